/**
 * Runs a built handler in this process under jco's own, unmodified output and the stock WASI shims: what the
 * component does here it does on any host. Outbound HTTP is a function of the test's.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { FutureReader, future } from '@bytecodealliance/preview3-shim/future';
import { types } from '@bytecodealliance/preview3-shim/http';
import { StreamReader } from '@bytecodealliance/preview3-shim/stream';
import { UNTRACED_IMPORTS } from '../harness/untraced.ts';
import { NO_RESPONSES, wireMessages } from '../harness/wire-messages.ts';

/** The part of the shim's classes that is used here; the types it ships are those of its browser variant. */
interface Fields {
  copyAll(): [string, Uint8Array][];
}
interface Body {
  read(): Promise<Uint8Array | number | null>;
}
interface Request {
  getMethod(): { readonly tag: string; readonly val?: string };
  setMethod(method: { readonly tag: string; readonly val?: string }): void;
  getScheme(): { readonly tag: string } | undefined;
  setScheme(scheme: { readonly tag: string }): void;
  getAuthority(): string | undefined;
  setAuthority(authority: string): void;
  getPathWithQuery(): string | undefined;
  setPathWithQuery(path: string): void;
  getHeaders(): Fields;
}
interface Response {
  getStatusCode(): number;
  setStatusCode(status: number): void;
  getHeaders(): Fields;
}
const { Fields, Request, Response } = types as unknown as {
  readonly Fields: { fromList(entries: [string, Uint8Array][]): Fields };
  readonly Request: {
    new: (headers: Fields, contents: unknown, trailers: unknown, options: null) => [Request, unknown];
    consumeBody(request: Request, result: unknown): [Body | undefined, unknown];
  };
  readonly Response: {
    new: (headers: Fields, contents: unknown, trailers: unknown) => [Response, unknown];
    consumeBody(response: Response, result: unknown): [Body | undefined, unknown];
  };
};

export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
export interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
/** Resolves with a reply, or rejects with a wasi:http error-code. */
export type Outbound = (request: Sent) => Promise<Reply>;

export interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: readonly (string | Uint8Array)[];
  readonly env?: Record<string, string>;
  readonly outbound?: Outbound;
  /** The host has no shortcut for responses. */
  readonly inParts?: boolean;
  /** How often one instance is called; the answer is the last one's. */
  readonly times?: number;
}
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly bytes: Buffer;
  readonly text: string;
  readonly stdout: string;
  readonly stderr: string;
}

interface Instance {
  readonly handler: { handle(request: unknown): Promise<unknown> };
}
interface Glue {
  instantiate(
    getCoreModule: (name: string) => Promise<WebAssembly.Module>,
    imports: unknown,
  ): Promise<Instance>;
}

export interface Guest extends AsyncDisposable {
  /** Each call has an instance of its own. A guest's error-code is thrown as it is. */
  call(call?: Call): Promise<Answer>;
}

function toHeaders(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    fields.copyAll().map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
  );
}

function toFields(headers: Record<string, string> = {}): Fields {
  return Fields.fromList(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'latin1')]),
  );
}

function bodyStream(chunks: readonly (string | Uint8Array)[]): unknown {
  const body = ReadableStream.from(chunks.map((chunk) => new Uint8Array(Buffer.from(chunk as string))));
  return new StreamReader(body);
}

function noTrailers(): unknown {
  return new FutureReader(Promise.resolve({ tag: 'ok', val: null }));
}

/** The shim has no stream at all for an empty body. */
async function readAll(reader: Body | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (reader === undefined) return Buffer.alloc(0);
  for (let chunk = await reader.read(); chunk !== null && chunk !== undefined; chunk = await reader.read()) {
    chunks.push(typeof chunk === 'number' ? Buffer.of(chunk) : Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

async function describeSent(wire: Request): Promise<Sent> {
  const { tag, val } = wire.getMethod();
  const headers = toHeaders(wire.getHeaders());
  const url = `${wire.getScheme()?.tag.toLowerCase()}://${wire.getAuthority()}${wire.getPathWithQuery()}`;
  const [stream] = Request.consumeBody(wire, future().rx);
  return { method: val ?? tag.toUpperCase(), url, headers, body: (await readAll(stream)).toString() };
}

async function exchange(wire: Request, outbound: Outbound): Promise<unknown> {
  try {
    const { status, headers, body = '' } = await outbound(await describeSent(wire));
    const [response] = Response.new(toFields(headers), bodyStream([body]), noTrailers());
    response.setStatusCode(status);
    return { tag: 'ok', val: response };
  } catch (error) {
    return { tag: 'err', val: error };
  }
}

interface Output {
  text: string;
}

function imports(call: Call, stdout: Output, stderr: Output): unknown {
  const shim = new WASIShim({ sandbox: { env: call.env ?? {}, preopens: {}, enableNetwork: false } });
  const all = shim.getImportObject() as unknown as Record<string, Record<string, unknown>>;
  const { OutputStream } = all['wasi:io/streams'] as {
    readonly OutputStream: { readonly prototype: object };
  };
  // jco takes any object with the class's prototype for the resource.
  const streamTo = (output: Output): unknown =>
    Object.assign(Object.create(OutputStream.prototype) as object, {
      blockingWriteAndFlush(bytes: Uint8Array) {
        output.text += Buffer.from(bytes).toString();
      },
      [Symbol.dispose]() {},
    });
  const refuse: Outbound = () => Promise.reject({ tag: 'HTTP-request-denied' });
  return {
    ...all,
    ...UNTRACED_IMPORTS,
    'wasi:cli/stdout': { getStdout: () => streamTo(stdout) },
    'wasi:cli/stderr': { getStderr: () => streamTo(stderr) },
    'wasi:http/types': types,
    'mayfly:http/messages': {
      ...wireMessages((status, headers, body) => {
        const contents = body === undefined ? undefined : bodyStream(body.length === 0 ? [] : [body]);
        const [response] = Response.new(Fields.fromList(headers), contents, noTrailers());
        response.setStatusCode(status);
        return response;
      }),
      ...(call.inParts === true ? NO_RESPONSES : {}),
    },
    'mayfly:http/outbound': {
      send: (wire: Request) => new FutureReader(exchange(wire, call.outbound ?? refuse)),
    },
  };
}

async function exchangeOnce(instance: Instance, call: Call): Promise<Omit<Answer, 'stdout' | 'stderr'>> {
  const [request] = Request.new(toFields(call.headers), bodyStream(call.body ?? []), noTrailers(), null);
  const method = call.method ?? 'GET';
  const known = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'].includes(method);
  request.setMethod(known ? { tag: method.toLowerCase() } : { tag: 'other', val: method });
  request.setScheme({ tag: 'HTTP' });
  request.setAuthority('test.example');
  request.setPathWithQuery(call.path ?? '/');
  const response = (await instance.handler.handle(request)) as Response;
  const [stream] = Response.consumeBody(response, future().rx);
  const headers = toHeaders(response.getHeaders());
  const bytes = await readAll(stream);
  return {
    status: response.getStatusCode(),
    headers,
    bytes,
    text: bytes.toString(),
  };
}

export async function loadGuest(component: Uint8Array): Promise<Guest> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-guest-'));
  const { files } = await transpileBytes(component, {
    name: 'guest',
    instantiation: 'async',
    base64Cutoff: 0,
    tlaCompat: false,
    emitTypescriptDeclarations: false,
  });
  const modules = new Map<string, Promise<WebAssembly.Module>>();
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    if (name.endsWith('.wasm')) modules.set(name, WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>));
    else await writeFile(path, bytes);
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const glue = (await import(pathToFileURL(join(folder, 'guest.js')).href)) as Glue;
  return {
    async call(call = {}) {
      const [stdout, stderr]: [Output, Output] = [{ text: '' }, { text: '' }];
      const instance = await glue.instantiate(
        async (name) => modules.get(name) as Promise<WebAssembly.Module>,
        imports(call, stdout, stderr),
      );
      let answer = await exchangeOnce(instance, call);
      for (let count = 1; count < (call.times ?? 1); count++) answer = await exchangeOnce(instance, call);
      return { ...answer, stdout: stdout.text, stderr: stderr.text };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
