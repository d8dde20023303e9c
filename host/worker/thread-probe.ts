/**
 * Whether a serving thread is kept by a guest: it computes, and neither its event loop nor a guest's check of fuel has been seen for longer than any
 * guest may take to come to one. Metering makes that impossible, so this is for what metering has wrong.
 *
 * 1. What counts is the time that the processor spent on the thread's own code since it was last seen to go on. By the clock, a machine that was stopped or has
 *    much to do would look like a guest without an end. Time in the kernel is left out: touching new pages took a single slice 17 s (decision 59).
 * 2. The thread is asked for it by an interrupt, which V8 answers in the midst of JavaScript and Wasm, loops included. What is not answered, or only
 *    afterwards, is the engine's own work (a collection, a compilation), and counts as one look at most.
 * 3. Between two looks no more counts than the time between them should be: a processor's account that jumps, as behind a pause of a virtual machine,
 *    is one look.
 * 4. Nobody is asked who has gone on since the last look: a thread that serves, or has nothing to do, costs a look at its note.
 */
export interface ThreadProbePorts {
  /** Moves on as long as the thread does (instance/guest-note.ts). */
  beats(): number;
  /** Processor time of its own code, in milliseconds, as soon as it can be interrupted; rejects once it has ended. */
  userMs(): Promise<number>;
  /** How long it may be kept. */
  readonly limitMs: number;
  /** Told once. */
  onHung(keptMs: number): void;
}

/** Between two looks. A thread's event loop notes itself five times in it (serving-thread.ts). */
export const LOOK_MS = 500;

export class ThreadProbe {
  readonly #ports: ThreadProbePorts;
  #beats: number;
  /** At the last answer, if it has not gone on since. */
  #userMs: number | undefined;
  #keptMs = 0;
  #isAsking = false;
  #isOver = false;

  constructor(ports: ThreadProbePorts) {
    this.#ports = ports;
    this.#beats = ports.beats();
  }

  look(): void {
    if (this.#hasGoneOn() || this.#isAsking || this.#isOver) return;
    this.#isAsking = true;
    this.#ports.userMs().then(
      (userMs) => {
        this.#isAsking = false;
        this.#answered(userMs);
      },
      () => {
        this.#isOver = true;
      },
    );
  }

  #answered(userMs: number): void {
    if (this.#hasGoneOn()) return;
    const before = this.#userMs;
    this.#userMs = userMs;
    if (before === undefined) return;
    this.#keptMs += Math.min(userMs - before, LOOK_MS);
    if (this.#keptMs < this.#ports.limitMs || this.#isOver) return;
    this.#isOver = true;
    this.#ports.onHung(this.#keptMs);
  }

  #hasGoneOn(): boolean {
    const beats = this.#ports.beats();
    if (beats === this.#beats) return false;
    this.#beats = beats;
    this.#userMs = undefined;
    this.#keptMs = 0;
    return true;
  }
}
