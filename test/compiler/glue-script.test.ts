import { compileFunction } from 'node:vm';
import test from 'ava';
import { glueScript } from '../../host/compiler/glue-script.ts';

/** The module syntax that jco writes, around a core that tells what it sees. */
const GLUE = `"use components";
export function instantiate(getCoreModule, imports) {
  async function fetchCompile (url) { _fs = _fs || await import('node:fs/promises'); }
  if (!getCoreModule) getCoreModule = (name) => fetchCompile(new URL(\`./\${name}\`, import.meta.url));
  return { globals: Object.keys(globalThis), process: typeof process, wasm: WebAssembly, debug: globalThis?.process?.env };
}
export const _util = {
};
`;

test('the script gives instantiate, which sees the WebAssembly that it was given and no process', (t) => {
  const facade = { own: true };
  const instantiate = compileFunction(glueScript(GLUE), ['WebAssembly'])(facade);
  t.deepEqual(
    instantiate(() => {}, {}),
    {
      globals: ['WebAssembly'],
      process: 'undefined',
      wasm: facade,
      debug: undefined,
    },
  );
});

test('glue with an export, import or use of its URL that is not known is an error', (t) => {
  for (const [addition, expected] of [
    ['export const more = 1;\n', /no function body/],
    ["import x from 'y';\n", /no function body/],
    ['const u = import.meta.url;\n', /no function body/],
    ["const l = import('x');\n", /dynamic import/],
    ['export function instantiate() {}\n', /2 instead of one/],
  ] as const) {
    t.throws(() => glueScript(GLUE + addition), { message: expected }, addition);
  }
});

test('glue that lacks what is known is an error', (t) => {
  t.throws(() => glueScript(GLUE.replace('export const _util', 'const _util')), {
    message: /0 instead of one/,
  });
  t.throws(() => glueScript(GLUE.replace('export function', 'function')), { message: /0 instead of one/ });
});
