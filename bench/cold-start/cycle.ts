/** What is measured of an engine: one way to give an invocation a state of its own, for one guest. */
export interface Cycle extends AsyncDisposable {
  /** Takes a clean state, until the guest's first instruction: what a caller waits for before anything of the guest runs. */
  start(): Promise<void>;
  /** All of an invocation: a clean state, the call, the answer read to its end, and the state put back or thrown away. */
  cycle(): Promise<void>;
}

export interface Timing {
  readonly wallMicros: readonly number[];
  /** Of a core, per run: what is waited for without computing is not in it. */
  readonly cpuMicros: number;
}

/** Runs `work` for about `durationMs`, at least `least` times. */
export async function time(
  work: () => Promise<void> | void,
  durationMs: number,
  least: number,
): Promise<Timing> {
  const wallMicros: number[] = [];
  const cpu = process.cpuUsage();
  const endMs = performance.now() + durationMs;
  while (wallMicros.length < least || performance.now() < endMs) {
    const startMs = performance.now();
    await work();
    wallMicros.push((performance.now() - startMs) * 1_000);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { wallMicros, cpuMicros: (user + system) / wallMicros.length };
}
