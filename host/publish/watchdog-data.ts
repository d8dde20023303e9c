/** How the publishing process ends when it holds too much memory: a signal that nothing else sends it. */
export const MEMORY_EXCEEDED_SIGNAL = 'SIGUSR2';

export interface WatchdogData {
  /** Resident memory of the process. */
  readonly limitBytes: number;
  /** One element: 1 while a job runs. Only then does the watchdog look. */
  readonly busy: Int32Array<SharedArrayBuffer>;
}
