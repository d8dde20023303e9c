/** Of the machine's monotonic clock, which all threads read alike; `performance.now` begins with the thread. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
