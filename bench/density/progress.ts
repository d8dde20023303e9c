import { stderr } from 'node:process';

/** Where nobody watches a terminal, a line at most this often. */
const LINE_EVERY_MS = 10_000;

/** Tells people how far a bench is that takes minutes: on the terminal's last line, or as a line now and then. */
export class Progress {
  readonly #startedMs = performance.now();
  #saidMs = Number.NEGATIVE_INFINITY;
  #step = '';

  say(step: string, done?: number, of?: number): void {
    const nowMs = performance.now();
    const isNews = step !== this.#step;
    if (!isNews && done !== of && nowMs - this.#saidMs < (stderr.isTTY ? 100 : LINE_EVERY_MS)) return;
    this.#saidMs = nowMs;
    this.#step = step;
    const elapsed = `${Math.round((nowMs - this.#startedMs) / 1_000)} s`.padStart(6);
    const line = `${elapsed}  ${step}${done === undefined ? '' : ` ${done} of ${of}`}`;
    stderr.write(stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  }

  end(): void {
    if (stderr.isTTY) stderr.write('\r\u001b[K');
  }
}
