/** The quotas of a tenant, with their units and reasons, as limits.ts has the bounds of the host. */
const KiB = 1024;
const GiB = 1024 * 1024 * KiB;

/** A quota at this value bounds nothing: it is the largest number that JSON carries exactly. */
export const UNBOUNDED: number = Number.MAX_SAFE_INTEGER;

/** One quota of a tenant: what it is unless the operator sets it, and the range within which that may be. */
export interface TenantQuota {
  readonly default: number;
  readonly floor: number;
  /** What no operator can exceed. {@link UNBOUNDED} there means that the quota can be lifted. */
  readonly hard: number;
  readonly unit: 'By' | 'ms' | '1' | 'fuel';
  readonly reason: string;
}

/**
 * What a tenant may use at one time or over time, over all threads of the host. Only the operator sets these. The
 * defaults leave a single tenant the host to itself; a host for strangers lowers them.
 */
export const TENANT_QUOTAS = {
  concurrency: {
    default: 1_000,
    floor: 0,
    hard: 10_000,
    unit: '1',
    reason: 'Invocations at the same time. More wait, up to queuedInvocations. 0 stops the tenant.',
  },
  reservedConcurrency: {
    default: 0,
    floor: 0,
    hard: 10_000,
    unit: '1',
    reason: "Places of the host's concurrency that nobody else gets, whether they are used or not.",
  },
  queuedInvocations: {
    default: 200,
    floor: 0,
    hard: 10_000,
    unit: '1',
    reason: 'Invocations that may wait for a place; each keeps a connection and the head of its request.',
  },
  queueTimeoutMs: {
    default: 1_000,
    floor: 0,
    hard: 60_000,
    unit: 'ms',
    reason: 'How long an invocation waits for a place before it is refused.',
  },
  memoryBytes: {
    default: 128 * GiB,
    floor: 64 * KiB,
    hard: UNBOUNDED,
    unit: 'By',
    reason:
      "Linear memory in use, counted as the sum of the running invocations' memoryBytes: what they may grow to.",
  },
  requestsPerSecond: {
    default: 100_000,
    floor: 1,
    hard: 1_000_000,
    unit: '1',
    reason: 'Rate of invocations; more are refused at once.',
  },
  requestBurst: {
    default: 100_000,
    floor: 1,
    hard: 1_000_000,
    unit: '1',
    reason: 'Invocations that may come at once after a pause, ahead of requestsPerSecond.',
  },
  fuelPerSecond: {
    default: UNBOUNDED,
    floor: 1_000_000,
    hard: UNBOUNDED,
    unit: 'fuel',
    reason:
      'Rate of fuel. It is charged when an invocation ends; while the tenant is more than a second ahead, new ones are refused.',
  },
  fuelPerMonth: {
    default: UNBOUNDED,
    floor: 0,
    hard: UNBOUNDED,
    unit: 'fuel',
    reason:
      'Fuel of a calendar month (UTC). Overshot by at most the fuel limits of the invocations that run when it is reached.',
  },
  storedBytes: {
    default: 64 * GiB,
    floor: 0,
    hard: UNBOUNDED,
    unit: 'By',
    reason: 'Uploads and what was made of them, over all versions.',
  },
  functions: {
    default: 1_000,
    floor: 0,
    hard: 1_000_000,
    unit: '1',
    reason: 'Functions by name; MAYFLY_MAX_FUNCTIONS sets the default.',
  },
  versions: {
    default: 100_000,
    floor: 0,
    hard: 10_000_000,
    unit: '1',
    reason: 'Versions over all functions.',
  },
  queues: {
    default: 1_000,
    floor: 0,
    hard: 100_000,
    unit: '1',
    reason: 'Queues by name; the event queues of functions do not count.',
  },
  eventSourceMappings: {
    default: 1_000,
    floor: 0,
    hard: 100_000,
    unit: '1',
    reason: 'Event source mappings, paused ones included.',
  },
  schedules: {
    default: 1_000,
    floor: 0,
    hard: 100_000,
    unit: '1',
    reason: 'Schedules, disabled ones included.',
  },
  outboundRequestsPerSecond: {
    default: 10_000,
    floor: 0,
    hard: 1_000_000,
    unit: '1',
    reason: 'Rate of requests that guests send, with a burst of one second. More fail in the guest.',
  },
  outboundBytesPerMonth: {
    default: UNBOUNDED,
    floor: 0,
    hard: UNBOUNDED,
    unit: 'By',
    reason:
      'Bodies that guests send and receive in a calendar month (UTC). Overshot by at most one buffer per open body.',
  },
} as const satisfies Record<string, TenantQuota>;

export type TenantQuotaName = keyof typeof TENANT_QUOTAS;
export type TenantQuotaValues = { readonly [K in TenantQuotaName]: number };
