/**
 * A command (`wasi:cli/run`) as an event handler: the event on standard input, the answer on standard output.
 *
 * Called by HTTP it gets the meta-variables of CGI/1.1 (RFC 3875, section 4.1). Its output is the body of a
 * 200 answer, unless its first line is a CGI header field (`Content-Type`, `Status` or `Location`, section
 * 6.3): then it is a CGI response, head first.
 */
import { MayflyError } from '../errors/errors.ts';
import type { HeaderList, HttpExchange } from '../wasi/context.ts';
import type { ByteSink } from '../wasi/io/bytes.ts';

/** Longest head of a CGI response that is looked for in the output. */
const CGI_HEAD_BYTES = 16 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder('latin1');

/** Variables of RFC 3875 for a request; the values are the caller's and go into the environment as they are. */
export function cgiVariables(exchange: HttpExchange, scriptName: string): [string, string][] {
  const [path = '/', query = ''] = split(exchange.pathWithQuery, '?');
  const [server = '', port = exchange.scheme === 'https' ? '443' : '80'] = splitPort(exchange.authority);
  const variables: [string, string][] = [
    ['GATEWAY_INTERFACE', 'CGI/1.1'],
    ['SERVER_PROTOCOL', 'HTTP/1.1'],
    ['SERVER_SOFTWARE', 'mayfly'],
    ['SERVER_NAME', server],
    ['SERVER_PORT', port],
    ['REQUEST_METHOD', exchange.method],
    ['SCRIPT_NAME', scriptName],
    ['PATH_INFO', decodePath(path)],
    ['QUERY_STRING', query],
  ];
  const combined = new Map<string, string>();
  for (const [name, value] of exchange.headers) {
    const key = name.toUpperCase().replaceAll('-', '_');
    if (!/^[A-Z0-9_]+$/.test(key) || key === 'PROXY' || key === 'AUTHORIZATION') continue; // httpoxy; section 4.1.18
    const text = decoder.decode(value);
    const before = combined.get(key);
    combined.set(key, before === undefined ? text : `${before}, ${text}`);
  }
  for (const [key, value] of combined) {
    variables.push([key === 'CONTENT_TYPE' || key === 'CONTENT_LENGTH' ? key : `HTTP_${key}`, value]);
  }
  return variables;
}

/** Standard output of a command, turned into the response. The head is decided once enough bytes are there. */
export class CommandOutput implements ByteSink {
  readonly #exchange: HttpExchange;
  readonly #cgi: boolean;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #body: ByteSink | undefined;

  /** @param cgi whether a CGI head is looked for; an event's answer is always taken as it is */
  constructor(exchange: HttpExchange, cgi: boolean) {
    this.#exchange = exchange;
    this.#cgi = cgi;
  }

  checkWrite(): number {
    return this.#body === undefined ? CGI_HEAD_BYTES : this.#body.checkWrite();
  }

  write(bytes: Uint8Array): void {
    if (this.#body !== undefined) {
      this.#body.write(bytes);
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#tryHead(false);
  }

  isReady(): boolean {
    return this.#body?.isReady() ?? true;
  }

  ready(): Promise<void> {
    return this.#body?.ready() ?? Promise.resolve();
  }

  flushed(): Promise<void> {
    return this.#body?.flushed() ?? Promise.resolve();
  }

  end(): void {
    this.#tryHead(true);
    this.#body?.end();
  }

  abort(reason: Error): void {
    this.#body?.abort(reason);
  }

  #tryHead(isEnd: boolean): void {
    if (this.#body !== undefined) return;
    const bytes = concat(this.#pending, this.#pendingBytes);
    const head = this.#cgi ? parseCgiHead(bytes) : 'none';
    if (head === 'incomplete' && !isEnd && this.#pendingBytes < CGI_HEAD_BYTES) {
      this.#pending = [bytes];
      return;
    }
    const { status, headers, bodyStart } =
      typeof head === 'object' ? head : { status: 200, headers: PLAIN_HEADERS, bodyStart: 0 };
    this.#pending = [];
    this.#body = this.#exchange.respond(status, headers);
    if (bodyStart < bytes.length) this.#body.write(bytes.subarray(bodyStart));
  }
}

const PLAIN_HEADERS: HeaderList = [['content-type', encoder.encode('application/octet-stream')]];

interface CgiHead {
  readonly status: number;
  readonly headers: HeaderList;
  readonly bodyStart: number;
}

/** `none`: this is no CGI response; `incomplete`: it may become one. */
function parseCgiHead(bytes: Uint8Array): CgiHead | 'none' | 'incomplete' {
  const text = decoder.decode(bytes.subarray(0, CGI_HEAD_BYTES));
  const first = /^[^\r\n]*\r?\n/.exec(text)?.[0];
  if (first === undefined)
    return /^(?:[a-z-]{0,12}$|(?:content-type|status|location):)/i.test(text) ? 'incomplete' : 'none';
  if (!/^(?:content-type|status|location):/i.test(first)) return 'none';
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return 'incomplete';
  let status = 200;
  const headers: [string, Uint8Array][] = [];
  for (const line of text.slice(0, end.index).split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) {
      throw new MayflyError('response_invalid', `'${line.slice(0, 80)}' is not a CGI header field.`);
    }
    if (name === 'status') {
      status = Number(/^([1-5][0-9]{2})(?: |$)/.exec(value)?.[1] ?? Number.NaN);
      if (Number.isNaN(status))
        throw new MayflyError('response_invalid', `'${value.slice(0, 80)}' is not a CGI status.`);
    } else {
      headers.push([name, latin1(value)]);
      if (name === 'location' && status === 200) status = 302;
    }
  }
  return { status, headers, bodyStart: end.index + end[0].length };
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path).replaceAll('\0', '');
  } catch {
    return path;
  }
}

function split(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function splitPort(authority: string): [string, string?] {
  const match = /^(.*?)(?::([0-9]+))?$/.exec(authority);
  return match?.[2] === undefined ? [match?.[1] ?? authority] : [match[1] ?? '', match[2]];
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
