import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const TOOLS = fileURLToPath(new URL('../tools.ts', import.meta.url));

test('a machine that lacks tools and apt-get is told which, with the line to type', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [TOOLS], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  });
  t.is(status, 1);
  t.regex(stderr, /redis-server, clang, wasm-ld.* must be installed/);
  t.regex(stderr, /^ {4}sudo apt-get install redis-server clang lld/m);
});
