/** Errors that the operator of the host has to act on. Part of the table in errors.ts. */
import type { ErrorEntry } from './error-entry.ts';

export const HOST_ERRORS = {
  publish_busy: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'Too many uploads are being published',
    mend: 'Try again after `Retry-After`.',
  },
  object_space_full: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'The thread has no room for more structs and arrays',
    mend: 'Try again, or make fewer of them at the same time as other invocations do.',
  },
  queue_unavailable: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'The store of the queues does not answer',
    mend: 'Nothing was sent: try again with the same deduplication key. The operator looks at the Redis server or the disk.',
  },
  draining: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'The host is shutting down',
    mend: 'Try again after `Retry-After`, or on another host.',
  },
  host_busy: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'The host runs as many invocations as it can',
    mend: 'Try again after `Retry-After`; the operator may reserve places for a tenant.',
  },
  too_many_connections: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'Too many connections',
    mend: 'Try again after `Retry-After`, and keep fewer connections open.',
  },
  thread_out_of_memory: {
    fault: 'host',
    status: 503,
    retryable: true,
    title: 'The serving thread ran short of memory',
    mend: "Try again; if it is this function's host objects (streams, handles) that fill the thread, make fewer.",
  },
  worker_lost: {
    fault: 'host',
    status: 500,
    retryable: true,
    title: 'The thread or process that ran the invocation died',
    mend: "Try again; the operator finds the cause in the host's log.",
  },
  artifact_unavailable: {
    fault: 'host',
    status: 500,
    retryable: true,
    title: 'The published artifact could not be loaded',
    mend: "Deploy the function again; the operator finds the cause in the host's log.",
  },
  secrets_unavailable: {
    fault: 'host',
    status: 503,
    retryable: false,
    title: 'Secrets are not available on this host',
    mend: 'The operator sets MAYFLY_SECRETS_KEY or MAYFLY_SECRETS_KEY_FILE, after a change of keys MAYFLY_SECRETS_OLD_KEYS as well.',
  },
  internal_error: {
    fault: 'host',
    status: 500,
    retryable: true,
    title: 'Internal error',
    mend: "Try again; the operator finds the cause in the host's log under this invocation id.",
  },
} as const satisfies Record<string, ErrorEntry>;
