/** `console`: `log`, `info` and `debug` go to standard output, `warn`, `error` and `trace` to standard error. */
import { getStderr } from 'wasi:cli/stderr@0.2.12';
import { getStdout, type OutputStream } from 'wasi:cli/stdout@0.2.12';
import { encodeUtf8 } from './encoding.ts';
import { serving } from './phase.ts';
import { withAuthorsPlaces } from './source-places.ts';

/** What one WASI call may write. */
const CHUNK_BYTES = 4096;
const MAX_DEPTH = 4;

type Target = 'stdout' | 'stderr';

/**
 * Lines from the module's top level. They are in the memory that every invocation starts from, so each one prints
 * them, just as each start of a process would elsewhere.
 */
const waiting: [Target, string][] = [];
/** Asked of the host by the first line. */
const streams: { [target in Target]?: OutputStream } = {};

function write(target: Target, line: string): void {
  if (!serving()) {
    waiting.push([target, line]);
    return;
  }
  streams[target] ??= target === 'stdout' ? getStdout() : getStderr();
  const stream: OutputStream = streams[target];
  const bytes = encodeUtf8(`${withAuthorsPlaces(line)}\n`);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    stream.blockingWriteAndFlush(bytes.subarray(at, at + CHUNK_BYTES));
}

export function flushWaitingLines(): void {
  if (waiting.length > 0) for (const [target, line] of waiting.splice(0)) write(target, line);
}

/** One value as a person reads it. */
export function inspect(value: unknown, depth = 0, above: readonly unknown[] = []): string {
  if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `[Function ${value.name || 'anonymous'}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Error) return inspectError(value, depth, above);
  if (above.includes(value)) return '[Circular]';
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[Array]' : '[Object]';
  const inner = (item: unknown): string => inspect(item, depth + 1, [...above, value]);
  if (Array.isArray(value)) return `[${value.map(inner).join(', ')}]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return `${value.constructor.name}(${value.length}) [${[...(value as Uint8Array).subarray(0, 50)].join(', ')}]`;
  }
  const name = value.constructor?.name;
  const prefix = name === undefined || name === 'Object' ? '' : `${name} `;
  const isKeyed = typeof (value as { entries?: unknown }).entries === 'function' && Symbol.iterator in value;
  if (value instanceof Set) return `${prefix}{${[...value].map(inner).join(', ')}}`;
  if (isKeyed) {
    return `${prefix}{${[...(value as unknown as Iterable<[unknown, unknown]>)].map(([k, v]) => `${inner(k)} => ${inner(v)}`).join(', ')}}`;
  }
  return `${prefix}{${Object.entries(value)
    .map(([key, item]) => ` ${key}: ${inner(item)}`)
    .join(',')} }`;
}

function inspectError(error: Error, depth: number, above: readonly unknown[]): string {
  const head = `${error.name}: ${error.message}`;
  const stack = (error.stack ?? '').trimEnd();
  const cause =
    error.cause === undefined || depth >= MAX_DEPTH
      ? ''
      : `\n  cause: ${inspect(error.cause, depth + 1, above)}`;
  return `${head}${stack === '' ? '' : `\n${stack}`}${cause}`;
}

function line(values: readonly unknown[]): string {
  return values.map((value) => inspect(value)).join(' ');
}

export function logError(...values: unknown[]): void {
  write('stderr', line(values));
}

function log(...values: unknown[]): void {
  write('stdout', line(values));
}

export const console = {
  log,
  info: log,
  debug: log,
  warn: logError,
  error: logError,
  trace: (...values: unknown[]): void => logError('Trace:', ...values, `\n${new Error().stack ?? ''}`),
  assert: (condition: unknown, ...values: unknown[]): void => {
    if (!condition) logError('Assertion failed:', ...values);
  },
};
