import type { MessageCause } from './queue-message.ts';

/** What the consumer of a mapping, or of a function's events, does on this host at the moment. */
export interface ConsumerStatus {
  /**
   * `idle`: nothing is due. `running`: batches are in work. `waiting`: messages are due, but the function cannot be run or the source
   * not be read now. `paused`: it is disabled. `stopped`: nobody consumes here.
   */
  readonly state: 'idle' | 'running' | 'waiting' | 'paused' | 'stopped';
  /** Why it waits. */
  readonly waitingFor?: MessageCause;
  /** Batches in work. */
  readonly inFlight: number;
  /** Messages, since this host has started. */
  readonly counts: {
    readonly succeeded: number;
    /** Attempts that failed, and are made again. */
    readonly retried: number;
    readonly dead: number;
    /** No filter matched. */
    readonly filtered: number;
  };
}
