/**
 * Runs a component on jco's unmodified output and jco's own shims: `oracle-process.ts <component> <kind> <port>`.
 * A process of its own, because the shim of WASI 0.2 blocks the event loop, and a command ends the process.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { UNTRACED_IMPORTS } from './untraced.ts';
import { NO_RESPONSES, wireMessages } from './wire-messages.ts';

type Exports = Record<string, Record<string, (...args: unknown[]) => unknown>>;
interface Glue {
  instantiate(
    getCoreModule: (name: string) => WebAssembly.Module,
    imports: Record<string, unknown>,
  ): Exports | Promise<Exports>;
}
interface Server {
  listen(port: number, host: string): unknown;
}
type ServerClass = new (handler: { handle(...args: unknown[]): unknown }) => Server;
// The shims' names are not part of this project's types: they are not dependencies of its own.
const shim = (name: string): Promise<Record<string, unknown>> => import(`@bytecodealliance/${name}`);

// An instance that traps once its answer is out (the shim is stricter about ends of bodies) ends nobody else's.
process.on('uncaughtException', () => {});

const [path = '', kind = '', port = ''] = process.argv.slice(2);
const { files } = await transpileBytes(readFileSync(path), {
  name: 'component',
  instantiation: kind === '0.3' ? 'async' : 'sync',
  // Both shims name an interface without its version, and this guest imports both.
  ...(kind === '0.3' ? { map: { 'wasi:http/*@0.3.0': 'wasi:http/*@0.3' } } : {}),
});
const folder = mkdtempSync(join(tmpdir(), 'mayfly-oracle-'));
const modules = new Map<string, WebAssembly.Module>();
for (const [name, bytes] of Object.entries(files)) {
  if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
}
writeFileSync(join(folder, 'component.mjs'), files['component.js'] ?? '');
const { instantiate } = (await import(pathToFileURL(join(folder, 'component.mjs')).href)) as Glue;
rmSync(folder, { recursive: true });

const { WASIShim } = await shim('preview2-shim/instantiation');
const imports = new (
  WASIShim as new () => { getImportObject(): Record<string, unknown> }
)().getImportObject();
const instance = (more: Record<string, unknown> = {}): Exports | Promise<Exports> =>
  instantiate((name) => modules.get(name)!, { ...imports, ...more });
const exported = (exports: Exports, name: string): Exports[string] =>
  Object.entries(exports).find(([key]) => key.startsWith(`wasi:${name}`))![1];

if (kind === 'command') {
  exported(instance() as Exports, 'cli/run')['run']!();
} else if (kind === '0.2') {
  const { HTTPServer } = await shim('preview2-shim/http');
  const server = new (HTTPServer as ServerClass)({
    handle: (request, out) =>
      exported(instance() as Exports, 'http/incoming-handler')['handle']!(request, out),
  });
  server.listen(Number(port), '127.0.0.1');
} else {
  const { HttpServer, types } = await shim('preview3-shim/http');
  const own = {
    'mayfly:http/messages': { ...wireMessages(() => undefined), ...NO_RESPONSES },
    'mayfly:http/outbound': { send() {} },
    ...UNTRACED_IMPORTS,
  };
  const more = { 'wasi:http/types@0.3': types, ...own };
  const server = new (HttpServer as ServerClass)({
    async handle(request) {
      const exports = await instance(more);
      return { tag: 'ok', val: await exported(exports, 'http/handler')['handle']!(request) };
    },
  });
  await server.listen(Number(port), '127.0.0.1');
}
// The shims' own threads do not keep the process alive.
if (kind !== 'command') setInterval(() => {}, 60_000);
process.send?.('ready');
