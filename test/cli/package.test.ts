/** The package as it is published: packed, laid out somewhere else, and used there. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { exampleNamed } from '../../examples/examples.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Packs, unpacks into a project of its own, and links the dependencies that npm would install beside it. */
async function installed(folder: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  });
  const name = /"filename": "([^"]+)"/.exec(stdout)?.[1] ?? 'mayfly-0.1.0.tgz';
  const modules = join(folder, 'project', 'node_modules');
  await mkdir(join(modules, 'mayfly'), { recursive: true });
  await run('tar', ['-xzf', join(folder, name), '-C', join(modules, 'mayfly'), '--strip-components=1']);
  for (const entry of await readdir(join(ROOT, 'node_modules'))) {
    if (entry !== 'mayfly' && !entry.startsWith('.'))
      await symlink(join(ROOT, 'node_modules', entry), join(modules, entry));
  }
  return join(modules, 'mayfly');
}

test('the packed package starts a host, and deploys and calls functions, where it is installed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-pack-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const mayfly = join(await installed(folder), 'guest-sdk/cli/bin.mjs');
  const env = {
    PATH: process.env['PATH'],
    MAYFLY_PORT: '0',
    MAYFLY_DATA_DIR: join(folder, 'data'),
    MAYFLY_EXAMPLES: '0',
  };
  const project = join(folder, 'project');
  const host = spawn('node', [mayfly, 'start'], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  host.stdout.on('data', (chunk) => {
    output += chunk;
  });
  while (!output.includes('Ready.')) await once(host.stdout, 'data');

  const [, MAYFLY_URL = ''] = /listens on (http:\S+?),/.exec(output)!;
  const cli = async (...args: string[]): Promise<string> =>
    (await run('node', [mayfly, ...args], { cwd: project, env: { ...env, MAYFLY_URL } })).stdout;
  t.regex(await cli('--help'), /mayfly deploy/);
  await cli('deploy', exampleNamed('hello-ts')!.source, '--name', 'hello');
  t.like(JSON.parse(await cli('invoke', 'hello', '--path', '/x', '--data', 'hi')), {
    path: '/x',
    body: 'hi',
  });
  await cli('deploy', await exampleNamed('tiny-wat')!.build(), '--name', 'tiny');
  t.is(await cli('invoke', 'tiny'), 'A mayfly lives for a day.\n');
  t.is(JSON.parse(await cli('list', '--json')).length, 2);
  await cli('new', 'fresh');
  const fresh = await readFile(join(project, 'fresh/package.json'), 'utf8');
  const own = await readFile(join(ROOT, 'package.json'), 'utf8');
  t.is(JSON.parse(fresh).devDependencies.mayfly, `^${JSON.parse(own).version}`);
  t.regex(await readFile(join(project, 'fresh/src/fresh.ts'), 'utf8'), /satisfies Handler/);
  t.regex(
    await readFile(join(project, 'node_modules/mayfly/guest-sdk/index.ts'), 'utf8'),
    /export interface Handler/,
  );
  for (const name of ['', 'main.js', 'uplot.js'])
    t.is((await fetch(`${MAYFLY_URL}/console/${name}`)).status, 200);

  host.kill('SIGINT');
  const [status] = await once(host, 'exit');
  t.is(status, 0);
  t.false((await readFile(join(folder, 'data', 'admin.key'), 'utf8')).includes(' '));
});
