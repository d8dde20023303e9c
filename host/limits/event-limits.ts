/** Bounds of queues, event source mappings and schedules: what `limits.ts` is for invocations. */
const MiB = 1024 * 1024;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const QUEUE_LIMITS = {
  /** Of one message's body; SQS allows 1 MiB, too. */
  bodyBytes: 1 * MiB,
  /** Of one message's attributes, names and values together. */
  attributeBytes: 16 * 1024,
  /** Messages in one call, and the sum of their bodies. */
  sendMessages: 1_000,
  sendBytes: 8 * MiB,
  /** Characters of a deduplication or group key. */
  keyLength: 128,
  /** Waiting in one queue; beyond it sends are refused with `queue_full`. */
  messages: 20_000_000,
  retentionMs: { default: 4 * DAY_MS, floor: MINUTE_MS, ceiling: 366 * DAY_MS },
  deduplicationMs: { default: 5 * MINUTE_MS, ceiling: 14 * DAY_MS },
  delayMs: 366 * DAY_MS,
  /** Secrets of one queue's ingress: the current one, the one before, and room for senders of other rhythms. */
  signingSecrets: 4,
  /** How far a webhook's timestamp may be from now; Standard Webhooks' own libraries allow as much. */
  signatureToleranceMs: 5 * MINUTE_MS,
  /** Messages that one look at a queue shows, and the sum of their bodies; the rest is on further pages. */
  peekMessages: 100,
  /** A store that has not answered by then is unavailable. */
  storeTimeoutMs: 5_000,
} as const;

export const SCHEDULE_LIMITS = {
  jitterMs: DAY_MS,
  /** Of the body of its events. */
  inputCharacters: 64 * 1024,
  /** Ticks to come that a schedule shows. */
  previewTicks: 5,
} as const;

interface MappingLimit {
  readonly default: number;
  readonly floor: number;
  readonly ceiling: number;
  readonly unit: 'ms' | '1';
  readonly reason: string;
}

export const MAPPING_LIMITS = {
  batchSize: {
    default: 10,
    floor: 1,
    ceiling: 1_000,
    unit: '1',
    reason: 'Messages that one invocation gets at most.',
  },
  batchingWindowMs: {
    default: 0,
    floor: 0,
    ceiling: 5 * MINUTE_MS,
    unit: 'ms',
    reason: 'How long the first message of a batch waits for others.',
  },
  maximumConcurrency: {
    default: 10,
    floor: 1,
    ceiling: 1_000,
    unit: '1',
    reason: 'Batches in work at a time, over all hosts.',
  },
  maximumAttempts: {
    default: 5,
    floor: 1,
    ceiling: 1_000,
    unit: '1',
    reason: 'Attempts at a message, the first included; then it is a dead letter.',
  },
  maximumAgeMs: {
    default: 6 * 60 * MINUTE_MS,
    floor: 1_000,
    ceiling: 366 * DAY_MS,
    unit: 'ms',
    reason: 'A message that was sent longer ago is not tried again.',
  },
  retryBaseMs: {
    default: 1_000,
    floor: 1,
    ceiling: 60 * MINUTE_MS,
    unit: 'ms',
    reason: 'Wait before the second attempt; it doubles with each further one, with jitter.',
  },
  retryMaximumMs: {
    default: 15 * MINUTE_MS,
    floor: 1,
    ceiling: DAY_MS,
    unit: 'ms',
    reason: 'The longest wait between two attempts.',
  },
} as const satisfies Readonly<Record<string, MappingLimit>>;

/** Of every function's own event queue, beside what its owner may set (see model/event-invoke-config.ts). */
export const FUNCTION_QUEUE = {
  /** Events in work at a time, over all hosts: a function's default concurrency. Quotas hold besides. */
  maximumConcurrency: 100,
  retryBaseMs: 1_000,
  retryMaximumMs: 15 * MINUTE_MS,
  /** For as long a tick that another host has sent is known; ticks that were missed longer ago are not made up for. */
  deduplicationMs: DAY_MS,
} as const;
