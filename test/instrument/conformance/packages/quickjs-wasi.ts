import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Engine {
  QuickJS: {
    create(options: { wasm: Uint8Array }): Promise<{ evalCode(code: string): { toString(): string } }>;
  };
}

const GUEST = `
  const words = Array.from({ length: 3000 }, (_, i) => 'w' + ((i * 7919) % 1009).toString(36)).sort();
  const counts = new Map();
  for (const word of words) counts.set(word.replace(/w(\\d)/g, (_, d) => d + d), (counts.get(word) ?? 0) + 1);
  let sum = 0n;
  for (const [key, value] of counts) { try { if (value % 2) throw new Error(key); sum += BigInt(value) ** 3n; } catch (e) { sum += BigInt(e.message.length); } }
  function* walk(n) { if (n > 0) { yield n; yield* walk(n - 1); } }
  const floats = Array.from({ length: 500 }, (_, i) => Math.sin(i) * 1e10).map((x) => x.toString());
  const deep = (n) => (n === 0 ? 0 : 1 + deep(n - 1));
  JSON.stringify([[...counts].slice(0, 50), String(sum), [...walk(50)], floats, deep(100)]);`;

/** An interpreter running JavaScript. */
export default async function run(packages: string): Promise<string> {
  const require = createRequire(pathToFileURL(`${packages}/package.json`));
  const { QuickJS } = (await import(
    pathToFileURL(`${packages}/node_modules/quickjs-wasi/dist/index.js`).href
  )) as Engine;
  const vm = await QuickJS.create({ wasm: readFileSync(require.resolve('quickjs-wasi/quickjs.wasm')) });
  return vm.evalCode(GUEST).toString();
}
