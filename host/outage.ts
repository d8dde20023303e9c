/**
 * What fails again and again until somebody mends it, such as writing to a full disk, as the operator is told of it.
 *
 *  1. Its beginning is said at once, with the reason, and that something is lost; then that it goes on, a minute later, and each time after
 *     twice as long, up to an hour.
 *  2. Its end is said at once, with what was lost. One that begins soon after another one is not said before the distance is over, nor is its
 *     end, so that what fails and works in turn is no flood either.
 *  3. What is lost is said, at the latest when the distance is over.
 */

const FIRST_DISTANCE_MS = 60_000;
const LONGEST_DISTANCE_MS = 3_600_000;

export interface OutageTexts {
  /** `usage records could not be written` */
  readonly failing: string;
  /** `usage records are written again` */
  readonly working: string;
}

export class Outage implements Disposable {
  readonly #texts: OutageTexts;
  readonly #report: (message: string, error?: unknown) => void;
  readonly #nowMs: () => number;
  /** When it began; undefined while all works. */
  #sinceMs: number | undefined;
  /** Not said yet, or of this outage. */
  #lost = 0;
  #isSaid = false;
  #distanceMs = FIRST_DISTANCE_MS;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** @param nowMs a clock that never goes back */
  constructor(
    texts: OutageTexts,
    report: (message: string, error?: unknown) => void,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#texts = texts;
    this.#report = report;
    this.#nowMs = nowMs;
  }

  /** It has failed, and cost so many of what is written. */
  failed(error: unknown, lost = 0): void {
    const nowMs = this.#nowMs();
    const isFirstLoss = this.#isSaid && this.#lost === 0 && lost > 0;
    this.#sinceMs ??= nowMs;
    this.#lost += lost;
    if (nowMs < this.#quietUntilMs && !isFirstLoss) return;
    const isLongAgo = nowMs - this.#quietUntilMs > this.#distanceMs;
    this.#distanceMs = isLongAgo ? FIRST_DISTANCE_MS : Math.min(2 * this.#distanceMs, LONGEST_DISTANCE_MS);
    this.#quietUntilMs = nowMs + this.#distanceMs;
    this.#isSaid = true;
    const forLong = nowMs === this.#sinceMs ? '' : ` for ${lengthOf(nowMs - this.#sinceMs)}`;
    this.#report(`${this.#texts.failing}${forLong}${this.#costs()}`, error);
  }

  /** It has worked. Costs nothing while it did before. */
  worked(): void {
    if (this.#sinceMs === undefined) return;
    const after = ` after ${lengthOf(this.#nowMs() - this.#sinceMs)}`;
    this.#sinceMs = undefined;
    if (this.#isSaid) this.#sayEnd(after);
    else if (this.#lost > 0)
      this.#timer ??= setTimeout(() => this.#sayRest(), this.#quietUntilMs - this.#nowMs()).unref();
  }

  /** Says what was lost and is not said yet. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#sinceMs === undefined) this.#sayRest();
    else if (this.#lost > 0) this.#report(`${this.#texts.failing} until the end${this.#costs()}`);
  }

  #costs(): string {
    if (this.#lost === 0) return '';
    return this.#lost === 1 ? ', and 1 is lost' : `, and ${this.#lost} are lost`;
  }

  /** Where it has failed again meanwhile, what follows says it. */
  #sayRest(): void {
    this.#timer = undefined;
    if (this.#sinceMs === undefined && this.#lost > 0) this.#sayEnd('');
  }

  #sayEnd(after: string): void {
    const lost = this.#lost === 0 ? 'none was' : this.#lost === 1 ? '1 was' : `${this.#lost} were`;
    this.#report(`${this.#texts.working}${after}; ${lost} lost`);
    this.#lost = 0;
    this.#isSaid = false;
  }
}

function lengthOf(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`;
}
