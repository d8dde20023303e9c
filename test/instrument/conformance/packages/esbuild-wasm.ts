import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Esbuild {
  initialize(options: { wasmModule: WebAssembly.Module; worker: boolean }): Promise<void>;
  transform(source: string, options: object): Promise<{ code: string; map: string }>;
}

/** A large program in Go: TypeScript compiled, minified, with a source map, and an error message. */
export default async function run(packages: string): Promise<string> {
  const folder = `${packages}/node_modules/esbuild-wasm`;
  // It is written for browsers.
  Object.assign(globalThis, { self: globalThis });
  const esbuild = (await import(pathToFileURL(`${folder}/esm/browser.js`).href)) as Esbuild;
  const wasmModule = new WebAssembly.Module(readFileSync(`${folder}/esbuild.wasm`));
  await esbuild.initialize({ wasmModule, worker: false });
  const source = Array.from(
    { length: 60 },
    (
      _,
      i,
    ) => `export class C${i}<T extends object> { #x = ${i}; @deco accessor y?: T; async *walk(n = this.#x ?? 1) {
      for await (const [a, ...b] of this.walk(n ** 2)) yield { a, ...b, t: \`\${n}-${i}\` }; } }`,
  ).join('\n');
  const options = { loader: 'ts', target: 'es2018', minify: true, sourcemap: true };
  const { code, map } = await esbuild.transform(`declare const deco: any;\n${source}`, options);
  const failure = await esbuild.transform('let let = ;', { logLevel: 'silent' }).then(String, String);
  return `${code}\n${map}\n${failure}`;
}
