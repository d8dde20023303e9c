import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const RESPONSE = 2;
const INPUTS = [
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello',
  `HTTP/1.1 404 Not Found\r\n${Array.from({ length: 60 }, (_, i) => `X-Header-${i}: ${'v'.repeat(i)}\r\n`).join('')}\r\n`,
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n6;a=b\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: 1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
  'HTTP/9.9 what\r\n\r\n',
];

interface Parser {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  llhttp_alloc(type: number): number;
  malloc(bytes: number): number;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
}

/** Parses responses, whole and byte by byte, and notes every callback. */
function parseAll(bytes: Uint8Array<ArrayBuffer>): string[] {
  const log: string[] = [];
  const span = (name: string) => (_: number, at: number, length: number) => {
    log.push(`${name} ${Buffer.from(exports.memory.buffer, at, length).toString('latin1')}`);
    return 0;
  };
  const note =
    (name: string) =>
    (...values: number[]) => {
      log.push(`${name} ${values.slice(1).join(' ')}`);
      return 0;
    };
  const env = {
    ...Object.fromEntries(
      ['url', 'status', 'header_field', 'header_value', 'body'].map((n) => [`wasm_on_${n}`, span(n)]),
    ),
    ...Object.fromEntries(
      ['message_begin', 'headers_complete', 'message_complete'].map((n) => [`wasm_on_${n}`, note(n)]),
    ),
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
  const exports = instance.exports as unknown as Parser;
  exports._initialize();
  for (const input of INPUTS) {
    for (const step of [input.length, 1]) {
      const parser = exports.llhttp_alloc(RESPONSE);
      const at = exports.malloc(input.length);
      for (let i = 0; i < input.length; i += step) {
        new Uint8Array(exports.memory.buffer).set(Buffer.from(input.slice(i, i + step), 'latin1'), at);
        log.push(`result ${exports.llhttp_execute(parser, at, Math.min(step, input.length - i))}`);
      }
      const reason = exports.llhttp_get_error_reason(parser);
      const text = new Uint8Array(exports.memory.buffer, reason);
      log.push(
        `finish ${exports.llhttp_finish(parser)} ${Buffer.from(text.subarray(0, text.indexOf(0))).toString()}`,
      );
    }
  }
  return log;
}

export default async function run(): Promise<string> {
  const folder = 'undici/lib/llhttp';
  return ['llhttp-wasm.js', 'llhttp_simd-wasm.js']
    .flatMap((file) => parseAll(new Uint8Array(require(`${folder}/${file}`) as Uint8Array)))
    .join('\n');
}
