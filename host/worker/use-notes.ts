import type { FunctionId } from '../store/recent-functions.ts';
import type { ResolvedFunction } from './messages.ts';

/** What the main thread learns this late is what a restart does not know. */
const NOTE_EVERY_MS = 5_000;

/** Tells the main thread now and then which functions this thread was called for. */
export class UseNotes {
  readonly #tell: (functions: readonly FunctionId[]) => void;
  /** Called longest ago first. */
  readonly #used = new Set<ResolvedFunction>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (functions: readonly FunctionId[]) => void) {
    this.#tell = tell;
  }

  note(route: ResolvedFunction): void {
    if (this.#used.has(route)) return;
    this.#used.add(route);
    this.#timer ??= setTimeout(() => this.flush(), NOTE_EVERY_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#used.size === 0) return;
    this.#tell([...this.#used].map(({ live: { tenant, name } }) => ({ tenant, name })));
    this.#used.clear();
  }
}
