/**
 * The baseline: jco's output as it is, unmetered, instantiated anew for every call. It gets this host's WASI, not jco's
 * shims: those pass every read and write to another thread and wait for it, which would make the baseline slower for a
 * reason that has nothing to do with starting.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { scanComponent } from '../../host/compiler/component-sections.ts';
import { importKeys } from '../../host/compiler/transpile.ts';
import { readWorld } from '../../host/compiler/world.ts';
import { serveHandler } from '../../host/wasi/http/serve-handler-0.3.ts';
import { serveIncoming } from '../../host/wasi/http/serve-incoming-0.2.ts';
import { createImports } from '../../host/wasi/imports.ts';
import { SUSPENDING_IMPORTS } from '../../host/wasi/suspending-imports.ts';
import type { Cycle } from './cycle.ts';
import { HelloExchange, helloContext } from './hello-exchange.ts';

type Exports = Record<string, Record<string, (...args: unknown[]) => unknown>>;
type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, unknown>,
) => Promise<Exports>;

export async function createJcoCycle(component: Uint8Array): Promise<Cycle> {
  const world = readWorld(scanComponent(component));
  const { files, exports } = await transpileBytes(component, {
    name: 'component',
    instantiation: 'async',
    asyncMode: 'jspi',
    asyncImports: [...SUSPENDING_IMPORTS],
    asyncExports: ['wasi:http/incoming-handler#handle'],
    map: importKeys(world),
    base64Cutoff: 0,
    tlaCompat: false,
    emitTypescriptDeclarations: false,
  });
  const exportKey = exports.find(([name]) => name === world.handlerInterface)?.[0];
  if (exportKey === undefined) throw new Error('the component exports no handler');
  const modules = new Map<string, WebAssembly.Module>();
  for (const [name, bytes] of Object.entries(files)) {
    if (name.endsWith('.wasm'))
      modules.set(name, await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>));
  }
  const instantiate = await importGlue(files['component.js'] ?? new Uint8Array());
  const fresh = (signal: AbortSignal) => {
    const context = helloContext(signal);
    return { context, started: instantiate((name) => modules.get(name)!, createImports(context)) };
  };
  return {
    async start() {
      const startMs = performance.now();
      await fresh(NEVER.signal).started;
      return (performance.now() - startMs) * 1_000;
    },
    async cycle() {
      const startMs = performance.now();
      const over = new AbortController();
      const { context, started } = fresh(over.signal);
      const handler = (await started)[exportKey]!;
      const exchange = new HelloExchange();
      if (world.handler === 'wasi:http/handler@0.3') {
        await serveHandler(async (request) => handler['handle']!(request), exchange, context);
      } else {
        const handle = handler['handle']!;
        await serveIncoming(async (request, out) => void (await handle(request, out)), exchange, context);
      }
      over.abort();
      const micros = (performance.now() - startMs) * 1_000;
      exchange.check();
      return micros;
    },
    async [Symbol.asyncDispose]() {},
  };
}

const NEVER = new AbortController();

async function importGlue(source: Uint8Array): Promise<Instantiate> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  try {
    const path = join(folder, 'component.mjs');
    await writeFile(path, source);
    return ((await import(pathToFileURL(path).href)) as { instantiate: Instantiate }).instantiate;
  } finally {
    await rm(folder, { recursive: true });
  }
}
