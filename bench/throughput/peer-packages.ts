import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PACKAGES = { workerd: '1.20261117.1' };

/** Installs the peers that come from npm into a folder of their own, once; gives workerd's own binary. */
export async function installWorkerd(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/workerd/package.json');
  if (!existsSync(installed)) {
    await mkdir(folder, { recursive: true });
    const manifest = { private: true, type: 'module', dependencies: PACKAGES };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
  }
  // The package's own entry is a script of Node that starts the binary of the platform: one process too many.
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? '64' : process.arch;
  return createRequire(installed).resolve(`@cloudflare/workerd-${platform}-${arch}/bin/workerd`);
}
