import { loadFfi } from '../../host/ffi.ts';

const CLOCK_THREAD_CPUTIME_ID = 3;
/** Smaller arrays live in V8's own heap, where they move. */
const BYTES = 4_096;

/**
 * Processor time of the calling thread in milliseconds, to the nanosecond: what `getrusage` and `process.threadCpuUsage` tell comes in ticks of
 * 1 to 4 ms. The wall clock where there is no such clock, which counts what other processes take, too.
 */
export function openThreadClock(): () => number {
  if (process.platform !== 'linux') return () => performance.now();
  const ffi = loadFfi();
  if (ffi === undefined) return () => performance.now();
  const { clock_gettime: clockGettime } = ffi.dlopen(null, {
    clock_gettime: { return: 'int32', arguments: ['int32', 'pointer'] },
  }).functions;
  const time = new BigInt64Array(BYTES / 8);
  const address = ffi.getRawPointer(time);
  return () => {
    if (clockGettime(CLOCK_THREAD_CPUTIME_ID, address) !== 0) throw new Error('the thread has no clock');
    return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
  };
}
