import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import test from 'ava';
import { componentize } from 'componentize-qjs';
import { MODULE_BOUNDS } from '../../host/instrument/bounds.ts';
import { inspectModule } from '../../host/instrument/inspect.ts';
import { instrument } from '../../host/instrument/instrument.ts';
import { METER_MODULE } from '../../host/instrument/meter-imports.ts';
import { compile, MeterHost } from './metered.ts';

const WIT = 'package test:calc; world calc { export run: func(n: u32) -> u32; }';
/** Regular expressions, closures, exceptions, sorting, JSON, BigInt and strings: much of an engine. */
const GUEST = `
export function run(n) {
  const words = Array.from({ length: n }, (_, i) => 'w' + ((i * 7919) % 1009).toString(36));
  words.sort();
  const map = new Map();
  for (const w of words) map.set(w.replace(/w(\\d)/g, (_, d) => d + d), (map.get(w) ?? 0) + w.length);
  let sum = 0n;
  for (const [k, v] of Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(map))))) {
    try { if (v % 2) throw new Error(k); sum += BigInt(v) ** 3n; } catch (e) { sum += BigInt(e.message.length); }
  }
  return Number(sum % 4294967291n);
}`;

interface Glue {
  instantiate(
    getCoreModule: (path: string) => WebAssembly.Module,
    imports: object,
    instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
  ): { run(n: number): number };
}

/** A JavaScript guest: jco's glue and the core modules of its component. */
async function javascriptGuest(folder: string): Promise<{ glue: Glue; modules: Map<string, Uint8Array> }> {
  await writeFile(join(folder, 'calc.wit'), WIT);
  const { component } = await componentize({
    witPath: join(folder, 'calc.wit'),
    jsSource: GUEST,
    sync: true,
    stubWasi: true,
  });
  const { files } = await transpileBytes(component, {
    name: 'calc',
    instantiation: 'sync',
    base64Cutoff: 0,
    emitTypescriptDeclarations: false,
  });
  const modules = new Map(Object.entries(files).filter(([name]) => name.endsWith('.wasm')));
  await writeFile(join(folder, 'calc.mjs'), files['calc.js']!);
  return { glue: (await import(pathToFileURL(join(folder, 'calc.mjs')).href)) as Glue, modules };
}

test('a JavaScript guest computes the same with metering, for the same fuel in each fresh instance', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-instrument-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const { glue, modules } = await javascriptGuest(folder);
  const plain = glue.instantiate(
    (path) => compile(modules.get(path)!),
    {},
    (module, imports) => new WebAssembly.Instance(module, imports),
  );
  const metered = new Map([...modules].map(([name, bytes]) => [name, compile(instrument(bytes).bytes)]));
  const spent: number[] = [];
  for (let i = 0; i < 2; i++) {
    const host = new MeterHost({ pages: 1_000n });
    const guest = glue.instantiate(
      (path) => metered.get(path)!,
      {},
      (module, imports) => new WebAssembly.Instance(module, { ...imports, [METER_MODULE]: host.imports }),
    );
    for (const n of [10, 500]) t.is(guest.run(n), plain.run(n));
    spent.push(host.spent);
  }
  t.true(spent[0]! > 1_000_000, `spent ${spent[0]}`);
  t.is(spent[0], spent[1]);
});

/** Engines and tools that toolchains emitted, as far as the project's own dependencies carry them. */
const REAL = [
  '@bytecodealliance/jco-transpile/vendor/js-component-bindgen-component.core.wasm',
  '@bytecodealliance/jco-transpile/vendor/wasm-tools.core.wasm',
  '@bytecodealliance/componentize-js/lib/starlingmonkey_embedding.wasm',
];
const nodeModules = join(
  dirname(fileURLToPath(import.meta.resolve('@bytecodealliance/jco-transpile'))),
  '../../..',
);

for (const path of REAL) {
  test(`what comes out of ${path} compiles`, async (t) => {
    const bytes = await readFile(join(nodeModules, path));
    // rustc nests blocks deeper than the upload bound allows.
    const { bytes: metered, shape } = instrument(bytes, { ...MODULE_BOUNDS, blockDepth: 2_000 });
    t.notThrows(() => compile(metered));
    t.true(shape.functions > 1_000);
    t.true(metered.length < bytes.length * 1.5, `${bytes.length} -> ${metered.length}`);
  });
}

test('every truncation of a real module is refused, quickly', (t) => {
  const bytes = readFileSync(join(nodeModules, REAL[1]!));
  for (let i = 0; i < 100; i++) {
    const cut = bytes.subarray(0, Math.floor((bytes.length * i) / 100));
    t.throws(() => inspectModule(cut, { ...MODULE_BOUNDS, blockDepth: 2_000 }), { name: 'InstrumentError' });
  }
});
