/**
 * What is measured of an engine: one way to give an invocation a state of its own, for one guest. Both say how long it
 * took, in microseconds: what they do beside that (ending what was started, checking the answer) is not in it.
 */
export interface Cycle extends AsyncDisposable {
  /** Takes a clean state, until the guest's first instruction: what a caller waits for before anything of the guest runs. */
  start(): Promise<number>;
  /** All of an invocation: a clean state, the call, the answer read to its end, and the state put back or thrown away. */
  cycle(): Promise<number>;
}

/** Runs `work` for about `durationMs`, at least `least` times: how long each run took, by its own account. */
export async function time(
  work: () => Promise<number> | number,
  durationMs: number,
  least: number,
): Promise<readonly number[]> {
  const micros: number[] = [];
  const endMs = performance.now() + durationMs;
  while (micros.length < least || performance.now() < endMs) {
    micros.push(await work());
    // What is due in other turns of the event loop (freed memory, ended timers) happens there, for everybody.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return micros;
}
