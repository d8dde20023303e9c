/** Builds guests from source and runs them on jco's own output, with the host's real imports. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { componentize } from 'componentize-qjs';
import type { WasiContext } from '../../../../host/wasi/context.ts';
import { createImports } from '../../../../host/wasi/imports.ts';
import { SUSPENDING_IMPORTS } from '../../../../host/wasi/suspending-imports.ts';

type Imports = Record<string, Record<string, unknown>>;
type Instantiate = (
  getCoreModule: (path: string) => WebAssembly.Module,
  imports: Imports,
) => Promise<Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>>;

interface Glue {
  readonly instantiate: Instantiate;
  stopTimers(): void;
}

/** A component that was transpiled once and can be instantiated per invocation. */
export interface Guest {
  handler(context: WasiContext): Promise<(...args: unknown[]) => Promise<unknown>>;
  /** Ends what its instances still wait for. */
  stop(): void;
}

/** WIT packages that jco brings along. */
const PROJECT = new URL('../../../../', import.meta.url).pathname;
const WIT = join(PROJECT, 'node_modules/@bytecodealliance/jco/lib/wit/builtin');

export function witOf(version: '0.2.12' | '0.3.0', name: string): Promise<string> {
  return readFile(join(WIT, version, name, 'package.wit'), 'utf8');
}

const QUICKJS_WORLD = `package test:guest@0.1.0;
world guest {
  import wasi:http/types@0.3.0;
  import mayfly:http/outbound@0.1.0;
  export wasi:http/handler@0.3.0;
}`;

/** A WASI 0.3 guest in JavaScript (QuickJS); `PRELUDE` comes before it. */
export async function buildQuickJsComponent(source: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-wit-'));
  try {
    await writeFile(join(folder, 'world.wit'), QUICKJS_WORLD);
    const packages = [
      'wasi-http',
      'wasi-clocks',
      'wasi-cli',
      'wasi-random',
      'wasi-filesystem',
      'wasi-sockets',
    ];
    for (const name of packages) await addPackage(folder, name, await witOf('0.3.0', name));
    await addPackage(folder, 'mayfly-http', await readFile(join(PROJECT, 'wit/mayfly-http.wit'), 'utf8'));
    const { component } = await componentize({ witPath: folder, world: 'guest', jsSource: PRELUDE + source });
    return component;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function addPackage(folder: string, name: string, text: string): Promise<void> {
  await mkdir(join(folder, 'deps', name), { recursive: true });
  await writeFile(join(folder, 'deps', name, 'package.wit'), text);
}

/** The WASI 0.2 guest of `guest-0.2.wat`. */
export async function buildWatGuest(): Promise<Guest> {
  const wat = await readFile(new URL('guest-0.2.wat', import.meta.url), 'utf8');
  const packages = [
    'wasi-http',
    'wasi-io',
    'wasi-clocks',
    'wasi-cli',
    'wasi-random',
    'wasi-filesystem',
    'wasi-sockets',
  ];
  const nested = await Promise.all(packages.map(async (name) => nestPackage(await witOf('0.2.12', name))));
  const witSource = `package test:guest@0.1.0;
world guest {
  import wasi:http/types@0.2.12;
  import wasi:http/outgoing-handler@0.2.12;
  export wasi:http/incoming-handler@0.2.12;
}
${nested.join('\n')}`;
  const embedded = await componentEmbed({ binary: await parse(wat), witSource });
  return loadGuest(await componentNew(embedded, []), 'wasi:http/incoming-handler@0.2.12');
}

/** `package a:b;` at the head of a file, as the nested form that several packages in one text need. */
function nestPackage(wit: string): string {
  return `${wit.replace(/^(package [^;]+);/m, '$1 {')}\n}`;
}

export async function loadGuest(component: Uint8Array, exportKey: string): Promise<Guest> {
  const { files } = await transpileBytes(component, {
    name: 'component',
    instantiation: 'async',
    asyncMode: 'jspi',
    asyncImports: [...SUSPENDING_IMPORTS],
    asyncExports: ['wasi:http/incoming-handler#handle'],
    map: {
      'wasi:http/types@0.3.0': 'wasi:http/types@0.3',
      'wasi:http/client@0.3.0': 'wasi:http/client@0.3',
    },
    base64Cutoff: 0,
    tlaCompat: false,
    emitTypescriptDeclarations: false,
  });
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-glue-'));
  try {
    const path = join(folder, 'component.mjs');
    await writeFile(path, OWN_TIMERS + withoutDeadlockCheck(new TextDecoder().decode(files['component.js'])));
    const { instantiate, stopTimers } = (await import(pathToFileURL(path).href)) as Glue;
    const modules = new Map<string, WebAssembly.Module>();
    for (const [name, bytes] of Object.entries(files)) {
      if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>));
    }
    return {
      async handler(context) {
        const instance = await instantiate((name) => modules.get(name)!, createImports(context));
        return instance[exportKey]!['handle']!;
      },
      stop: stopTimers,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * jco's check counts only host calls that a guest waits for in person. A guest that waits until the host has read
 * its request body, say, it takes for deadlocked; the host has deadlines instead.
 */
function withoutDeadlockCheck(glue: string): string {
  return glue.replace('function _checkForDeadlock() {', '$& return;');
}

/**
 * The glue polls with timers, also for guests that were left waiting: those must not hold the test process. (The
 * host gives each guest timers of its own, and clears them with it.)
 */
const OWN_TIMERS = `
const timers = new Set();
let isOver = false;
const start = (kind) => (callback, delayMs) => {
  if (isOver) return undefined;
  const timer = globalThis[kind](callback, delayMs);
  timers.add(timer);
  return timer;
};
const setTimeout = start('setTimeout'), setInterval = start('setInterval');
export function stopTimers() {
  isOver = true;
  for (const timer of timers) globalThis.clearTimeout(timer);
}
`;

/** What every JavaScript guest of these tests uses; QuickJS has no TextEncoder. */
const PRELUDE = `
import { Fields, Request, Response } from 'wasi:http/types@0.3.0';
import { send } from 'mayfly:http/outbound@0.1.0';
const bytes = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const text = (array) => Array.from(array, (b) => String.fromCharCode(b)).join('');
const TRAILERS = wit.Future.RESULT_OPTION_OTHER_ERROR_CODE;
const UNIT = wit.Future.RESULT_VOID_ERROR_CODE;
const noTrailers = () => wit.Future.from({ tag: 'ok', val: null }, TRAILERS).readable;
const received = () => wit.Future.from({ tag: 'ok' }, UNIT).readable;
async function readAll(stream) {
  let all = '';
  for await (const chunk of stream) all += text(chunk);
  return all;
}
function respond(status, headers, contents, trailers = noTrailers()) {
  const stream = contents === null ? null : wit.Stream.from(contents, wit.Stream.U8).readable;
  const [response] = Response.new(Fields.fromList(headers), stream, trailers);
  response.setStatusCode(status);
  return response;
}
function get(url, method = 'get', contents = null, headers = []) {
  const [, scheme, authority, path] = /^(https?):\\/\\/([^\\/]*)(.*)$/.exec(url);
  const [request] = Request.new(Fields.fromList(headers), contents, noTrailers(), null);
  request.setMethod({ tag: method });
  request.setScheme({ tag: scheme.toUpperCase() });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  return send(request).read();
}
`;
