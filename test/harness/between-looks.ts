import { setTimeout as delay } from 'node:timers/promises';

/** Short beside what is waited for: a batch of log lines, usage or quotas, which a host writes some times a second. */
const PAUSE_MS = 15;

/**
 * What a loop does that asks a host again and again until it hears what it waits for. Without a pause such a loop takes both cores: the
 * test's for the questions, the host's for the answers, and what is waited for comes all the later.
 */
export function betweenLooks(): Promise<void> {
  return delay(PAUSE_MS);
}
