/** The launcher, which must work on a Node that is too old for everything else: see also what it imports. */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { finished, startNode } from './run-mayfly.ts';

const BIN = fileURLToPath(new URL('../../guest-sdk/cli/bin.mjs', import.meta.url));

/** An installed package whose bundled Node is a script, and whose command line is `main`. */
async function packageOf(
  t: ExecutionContext,
  { main, node }: { main?: string; node?: string },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bin-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'guest-sdk/cli'), { recursive: true });
  await mkdir(join(folder, 'dist/guest-sdk/cli'), { recursive: true });
  await cp(BIN, join(folder, 'guest-sdk/cli/bin.mjs'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  if (main !== undefined) await writeFile(join(folder, 'dist/guest-sdk/cli/main.js'), main);
  if (node !== undefined) {
    const bin = join(folder, 'node_modules/node/bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, '../package.json'), '{"name":"node"}');
    if (node !== '') {
      await writeFile(join(bin, 'node'), node);
      await chmod(join(bin, 'node'), 0o755);
    }
  }
  return join(folder, 'guest-sdk/cli/bin.mjs');
}

const BUNDLED = `#!/bin/sh\nexport BUNDLED=yes\nexec "${process.execPath}" "$@"\n`;

test('hands over to the bundled Node with arguments, input and exit code', async (t) => {
  const main =
    'process.stdin.pipe(process.stdout); console.log(process.env.BUNDLED, ...process.argv.slice(2)); process.exitCode = 5;';
  const child = startNode([await packageOf(t, { main, node: BUNDLED }), 'invoke', 'a b', '--x']);
  child.stdin?.end('the input');
  const { code, stdout } = await finished(child);
  t.deepEqual([code, stdout], [5, 'yes invoke a b --x\nthe input']);
});

test('passes a signal on and waits for what it started', async (t) => {
  const main =
    "process.on('SIGTERM', () => { console.log('drained'); process.exit(7); }); setInterval(() => {}, 1000); console.log('ready');";
  const child = startNode([await packageOf(t, { main, node: BUNDLED })]);
  const ready = Promise.withResolvers<void>();
  child.stdout?.once('data', () => ready.resolve());
  const end = finished(child);
  await ready.promise;
  child.kill('SIGTERM');
  const { code, stdout } = await end;
  t.deepEqual([code, stdout], [7, 'ready\ndrained\n']);
});

test('a command that a signal ended exits as shells report it', async (t) => {
  const child = startNode([
    await packageOf(t, {
      main: "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);",
      node: BUNDLED,
    }),
  ]);
  t.is((await finished(child)).code, 137);
});

test('says what to do where the bundled Node is missing', async (t) => {
  const noPackage = await finished(startNode([await packageOf(t, { main: '' })]));
  t.is(noPackage.code, 1);
  t.regex(noPackage.stderr, /the npm package `node`.* is not installed/);
  const noBinary = await finished(startNode([await packageOf(t, { main: '', node: '' })]));
  t.is(noBinary.code, 1);
  t.regex(noBinary.stderr, /install script did not run; run: npm rebuild node/);
});

test('in this checkout it runs the sources', async (t) => {
  const { code, stdout } = await finished(startNode([BIN, '--version']));
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  t.deepEqual([code, stdout], [0, `${version}\n`]);
});
