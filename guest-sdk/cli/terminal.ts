/** What people see: results on standard output, progress on standard error. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stripVTControlCharacters } from 'node:util';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_INTERVAL_MS = 80;

/** Text from a function or a host, with no power over the terminal it is shown on. */
export function plain(text: string): string {
  return Array.from(stripVTControlCharacters(text), (c) => {
    const code = c.codePointAt(0) ?? 0;
    const isControl = (code < 0x20 && c !== '\t' && c !== '\n') || (code >= 0x7f && code < 0xa0);
    return isControl ? `\\x${code.toString(16).padStart(2, '0')}` : c;
  }).join('');
}

export function print(text: string): void {
  process.stdout.write(`${plain(text)}\n`);
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Byte for byte; on a terminal with an end to the last line, which the shell's prompt would stand behind. */
export async function printBytes(
  bytes: Readable,
  output: NodeJS.WritableStream & { readonly isTTY?: boolean } = process.stdout,
): Promise<void> {
  let last: number | undefined;
  bytes.on('data', (chunk: Buffer) => {
    last = chunk.at(-1) ?? last;
  });
  await pipeline(bytes, output, { end: false });
  if (output.isTTY && last !== undefined && last !== 0x0a) output.write('\n');
}

/** Columns as wide as their widest cell; the last one is as long as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, 'KiB'] : [bytes / 1024 ** 2, 'MiB'];
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Tells what is going on while it does: a spinner on a terminal, a line for each step elsewhere. */
export class Progress implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  #timer: NodeJS.Timeout | undefined;
  #text = '';
  #frame = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  step(text: string): void {
    if (!this.#stream.isTTY) {
      this.#stream.write(`${plain(text)} ...\n`);
      return;
    }
    this.#text = plain(text);
    this.#timer ??= setInterval(() => this.#draw(), SPINNER_INTERVAL_MS);
    this.#draw();
  }

  /** What the step is at, for whoever sits before a terminal: elsewhere it would be a line each. */
  detail(text: string): void {
    if (this.#stream.isTTY) this.step(text);
  }

  /** A line that stays. */
  note(text: string): void {
    this.#clear();
    this.#stream.write(`${plain(text)}\n`);
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % SPINNER.length;
    this.#stream.write(`\r\u001b[2K${SPINNER[this.#frame]} ${this.#text}`);
  }

  #clear(): void {
    if (this.#timer !== undefined) this.#stream.write('\r\u001b[2K');
  }

  [Symbol.dispose](): void {
    this.#clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
