/**
 * Every error that leaves the host, in one table: its stable code, whose fault it is, the HTTP status that
 * follows, whether trying again can help, and how to mend it. Problem details (RFC 9457), exit codes of the
 * command line and `docs/errors.md` are all derived from this table; nothing else names a status.
 */

/** Who has to act: the `caller` of the API, the author of the `function`, or the operator of the `host`. */
export type Fault = 'caller' | 'function' | 'host';

interface ErrorEntry {
  readonly fault: Fault;
  readonly status: number;
  readonly retryable: boolean;
  /** Short, constant summary (RFC 9457 `title`). */
  readonly title: string;
  /** What to do about it. */
  readonly mend: string;
}

export const ERROR_TABLE = {
  // --- the caller -----------------------------------------------------------------------------------------
  unauthenticated: {
    fault: 'caller',
    status: 401,
    retryable: false,
    title: 'No valid API key',
    mend: 'Send `Authorization: Bearer <key>`, with a key that is neither revoked nor expired; `npm start` prints where the admin key is stored.',
  },
  forbidden: {
    fault: 'caller',
    status: 403,
    retryable: false,
    title: 'The key does not allow this',
    mend: 'Use a key of this tenant with the scope that /openapi.json lists for the route, or the admin key.',
  },
  route_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such route',
    mend: 'See /openapi.json for the routes; functions answer under /fn/{tenant}/{name}/.',
  },
  method_not_allowed: {
    fault: 'caller',
    status: 405,
    retryable: false,
    title: 'Method not allowed here',
    mend: 'Use one of the methods in the `Allow` header.',
  },
  tenant_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such tenant',
    mend: 'Check the tenant in the path; a fresh host has the tenant `default`.',
  },
  tenant_exists: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'There is a tenant of this name',
    mend: 'Choose another name, or change the settings of the one there is.',
  },
  tenant_not_empty: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The tenant has functions',
    mend: 'Delete its functions first, or say `?withFunctions=true` (`mayfly tenants delete --with-functions`).',
  },
  tenant_permanent: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'This tenant stays',
    mend: 'The tenant `default` is made again by every start; delete its functions instead.',
  },
  key_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such key',
    mend: 'List the keys with `mayfly keys list`; a key is named by its id.',
  },
  key_exists: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'There is a key of this name',
    mend: 'Choose another name, or rotate the key there is.',
  },
  keys_limit_reached: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The tenant has as many keys as it may',
    mend: 'Revoke a key that is not used any more; the list says when each was used last.',
  },
  function_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such function',
    mend: 'List the functions with `mayfly list`, or deploy it first.',
  },
  secret_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such secret',
    mend: 'List the names of the secrets with `mayfly secrets list`.',
  },
  secrets_limit_reached: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The function has as many secrets as it may',
    mend: 'Delete a secret, or make its value shorter.',
  },
  version_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such version',
    mend: 'List the versions with GET .../versions.',
  },
  queue_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such queue',
    mend: 'List the queues with `mayfly queues list`, or create it with PUT.',
  },
  queue_in_use: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'An event source mapping reads the queue',
    mend: 'Delete the mapping that `detail` names first, or pause it with `enabled: false`.',
  },
  mapping_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such event source mapping',
    mend: 'List them with `mayfly mappings list`.',
  },
  schedule_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such schedule',
    mend: 'List them with `mayfly schedules list`.',
  },
  signing_secret_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No such signing secret',
    mend: 'List them with `mayfly queues signing-secrets`.',
  },
  event_quota_exceeded: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The tenant has as many of them as it may',
    mend: 'Delete some that are not needed, or ask the operator to raise the quota that `quota` names.',
  },
  message_invalid: {
    fault: 'caller',
    status: 400,
    retryable: false,
    title: 'The message is not valid',
    mend: '`detail` names what is wrong with it, `field` which part; none of the request was sent.',
  },
  message_too_large: {
    fault: 'caller',
    status: 413,
    retryable: false,
    title: 'The message is too large',
    mend: 'Store the content elsewhere and send its address, or send fewer messages in one request.',
  },
  signature_invalid: {
    fault: 'caller',
    status: 401,
    retryable: false,
    title: 'The signature is missing or wrong',
    mend: 'Sign with a current secret of the queue as Standard Webhooks says: webhook-id, webhook-timestamp (within 5 minutes), webhook-signature.',
  },
  invalid_request: {
    fault: 'caller',
    status: 400,
    retryable: false,
    title: 'The request is not valid',
    mend: 'Correct the named field; /openapi.json has its schema.',
  },
  limit_above_ceiling: {
    fault: 'caller',
    status: 400,
    retryable: false,
    title: "A setting is above the operator's ceiling",
    mend: 'Choose a value within the range that `detail` names, or ask the operator to raise the ceiling.',
  },
  unsupported_media_type: {
    fault: 'caller',
    status: 415,
    retryable: false,
    title: 'Unsupported media type',
    mend: 'Upload the bytes as `Content-Type: application/wasm`, without a content encoding.',
  },
  component_too_large: {
    fault: 'caller',
    status: 413,
    retryable: false,
    title: 'The component is too large',
    mend: 'Strip debug sections, or ask the operator to raise MAYFLY_MAX_COMPONENT_BYTES.',
  },
  component_malformed: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'Not a valid WebAssembly component',
    mend: 'Upload a component or a wasip1 core module; check it with `wasm-tools validate`.',
  },
  component_too_complex: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'The component exceeds a structural bound',
    mend: '`detail` names the bound and its value; split the component or reduce what it declares.',
  },
  component_unsupported: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'The component uses a feature that this host refuses',
    mend: 'Rebuild without the feature named in `detail`.',
  },
  component_handler_missing: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'The component exports no handler',
    mend: 'Export wasi:http/incoming-handler@0.2.x, wasi:http/handler@0.3.0, wasi:cli/run@0.2.x, or a handler of mayfly:events@0.1.',
  },
  component_import_unknown: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'The component imports what this host does not offer',
    mend: 'Remove the import named in `detail`; it also lists what is offered.',
  },
  component_memory_too_large: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: "The component's initial memory exceeds its limit",
    mend: "Raise the function's memoryBytes, or build with a smaller initial memory.",
  },
  publish_timed_out: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'Publishing took too long',
    mend: "Reduce the component's size or complexity.",
  },
  publish_out_of_memory: {
    fault: 'caller',
    status: 422,
    retryable: false,
    title: 'Publishing needed too much memory',
    mend: "Reduce the component's size or complexity.",
  },
  functions_limit_reached: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The tenant has as many functions as it may',
    mend: 'Delete a function, or ask the operator to raise the limit.',
  },
  request_too_large: {
    fault: 'caller',
    status: 413,
    retryable: false,
    title: 'The request body is too large',
    mend: "Send less, or raise the function's requestBytes.",
  },
  request_headers_too_large: {
    fault: 'caller',
    status: 431,
    retryable: false,
    title: 'Too many or too large request headers',
    mend: "Send fewer or shorter headers, or raise the function's headerCount or headerBytes.",
  },
  too_many_invocations: {
    fault: 'caller',
    status: 429,
    retryable: true,
    title: 'Too many concurrent invocations of this function',
    mend: "Try again after `Retry-After`, or raise the function's concurrency.",
  },
  quota_exceeded: {
    fault: 'caller',
    status: 429,
    retryable: true,
    title: 'A quota is used up',
    mend: 'Try again after `Retry-After`; `quota` names the quota, its limit and when it has room again.',
  },
  storage_quota_exceeded: {
    fault: 'caller',
    status: 409,
    retryable: false,
    title: 'The tenant stores as much as it may',
    mend: 'Delete functions, or ask the operator to raise the quota that `quota` names.',
  },
  budget_exhausted: {
    fault: 'caller',
    status: 402,
    retryable: false,
    title: "The tenant's budget for the month is used up",
    mend: 'Ask the operator to raise the budget or its hard stop; it begins anew with the next month (UTC).',
  },
  budget_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'The tenant has no budget',
    mend: 'The operator sets one with `mayfly budget set`.',
  },
  prices_not_found: {
    fault: 'caller',
    status: 404,
    retryable: false,
    title: 'No price list holds for the month',
    mend: 'The operator sets one with `mayfly prices set`; usage without prices is in `mayfly usage`.',
  },
  authorizer_denied: {
    fault: 'caller',
    status: 403,
    retryable: false,
    title: "The function's authorizer refused the request",
    mend: 'Send what the authorizer asks for; its owner knows what that is.',
  },
  caller_gone: {
    fault: 'caller',
    status: 499,
    retryable: true,
    title: 'The caller hung up',
    mend: 'Keep the connection open until the response is complete.',
  },
  // --- the function ---------------------------------------------------------------------------------------
  function_trapped: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function trapped',
    mend: "See the function's log for the message and stack of the trap.",
  },
  stack_overflow: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function overflowed its stack',
    mend: 'Recurse less deeply.',
  },
  fuel_exhausted: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function used up its fuel',
    mend: "Do less per invocation, or raise the function's fuel.",
  },
  memory_exceeded: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function ran out of memory',
    mend: "Use less memory, or raise the function's memoryBytes.",
  },
  table_exceeded: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function ran out of table entries',
    mend: "Grow tables less, or raise the function's tableEntries.",
  },
  timed_out: {
    fault: 'function',
    status: 504,
    retryable: true,
    title: 'The function took too long',
    mend: "Answer sooner, or raise the function's timeoutMs.",
  },
  no_response: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function ended without a response',
    mend: 'Set the response-outparam, or return a response, before returning.',
  },
  function_failed: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function answered with an error',
    mend: 'The function returned a wasi:http error-code or a non-zero exit status; `detail` names it.',
  },
  authorizer_failed: {
    fault: 'function',
    status: 502,
    retryable: true,
    title: "The function's authorizer gave no valid answer",
    mend: "See the authorizer's log; it answers 200 with JSON: isAuthorized, and perhaps context and ttlSeconds.",
  },
  handler_missing: {
    fault: 'function',
    status: 501,
    retryable: false,
    title: 'The function has no handler for this',
    mend: 'Export a handler of requests (`fetch`, wasi:http) or of this kind of event (`queue`, `scheduled`, mayfly:events), as `detail` says.',
  },
  event_failed: {
    fault: 'function',
    status: 502,
    retryable: true,
    title: 'The function says that it could not handle the event',
    mend: "See the function's log: it returned an error, or answered with a status of 400 or more.",
  },
  batch_answer_invalid: {
    fault: 'function',
    status: 502,
    retryable: true,
    title: 'The function names failed messages that were not in its batch',
    mend: 'Name each failed message by its id: `{"batchItemFailures":[{"itemIdentifier":"..."}]}`, or the `id` of the record.',
  },
  response_invalid: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: "The function's response is not valid HTTP",
    mend: '`detail` names the offending part of the response.',
  },
  response_too_large: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: "The function's response is too large",
    mend: "Send less, or raise the function's responseBytes.",
  },
  response_headers_too_large: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'Too many or too large response headers',
    mend: "Send fewer or shorter headers, or raise the function's headerCount or headerBytes.",
  },
  log_limit_exceeded: {
    fault: 'function',
    status: 502,
    retryable: false,
    title: 'The function logged too much',
    mend: "Log less per invocation, or raise the function's logBytes.",
  },
  // --- the host -------------------------------------------------------------------------------------------
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
  queue_full: {
    fault: 'caller',
    status: 429,
    retryable: true,
    title: 'The queue is full',
    mend: 'Wait until messages have been handled, or purge the queue.',
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
  function_quarantined: {
    fault: 'function',
    status: 503,
    retryable: false,
    title: 'The function is quarantined: serving threads died while it ran',
    mend: 'See why with `mayfly inspect`; deploy a new version, or lift it with `mayfly quarantine lift`.',
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

/** A stable error code: part of the interface, never renamed. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** Which quota a request ran into, and when there is room again. */
export interface QuotaRefusal {
  /** A name of TENANT_QUOTAS or, for a function's own, of FUNCTION_LIMITS. */
  readonly name: string;
  readonly scope: 'tenant' | 'function';
  readonly limit: number;
  /** When a retry can succeed, since the epoch; absent where only a change of what is stored can help. */
  readonly resetAtMs?: number;
  /** Length of the time over which the limit is counted, for one that is a rate. */
  readonly windowSeconds?: number;
}

/** RFC 9457 problem details, with Mayfly's extension members. */
export interface ProblemDetails {
  /** `https://mayfly.dev/errors#` is never dereferenced; a URN keeps it stable without owning a domain. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly mend: string;
  /** JSON pointer or name of the offending input, where there is one. */
  readonly field?: string;
  /** The invocation it happened in, where there is one. */
  readonly instance?: string;
  readonly quota?: {
    readonly name: string;
    readonly scope: 'tenant' | 'function';
    readonly limit: number;
    /** When there is room again. */
    readonly resetAt?: string;
  };
}

export interface MayflyErrorOptions {
  readonly field?: string;
  readonly quota?: QuotaRefusal;
  readonly cause?: unknown;
}

/** The only error type that crosses a module boundary on purpose; any other one is an `internal_error`. */
export class MayflyError extends Error {
  override readonly name = 'MayflyError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly quota: QuotaRefusal | undefined;

  constructor(code: ErrorCode, detail: string, options: MayflyErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.quota = options.quota;
  }

  get status(): number {
    return ERROR_TABLE[this.code].status;
  }
}

/** The plain form of an error that crosses a thread or process boundary. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly field?: string;
  readonly quota?: QuotaRefusal;
}

export function toErrorMessage(error: unknown): ErrorMessage {
  if (error instanceof MayflyError) {
    return {
      code: error.code,
      detail: error.message,
      ...(error.field === undefined ? {} : { field: error.field }),
      ...(error.quota === undefined ? {} : { quota: error.quota }),
    };
  }
  return { code: 'internal_error', detail: 'An unexpected error occurred.' };
}

export function fromErrorMessage({ code, detail, ...options }: ErrorMessage): MayflyError {
  return new MayflyError(code, detail, options);
}

/**
 * Problem details for any thrown value. The text of an unexpected error never reaches a caller: it may carry
 * paths or another tenant's data.
 */
export function toProblemDetails(error: unknown, instance?: string): ProblemDetails {
  const message = toErrorMessage(error);
  const entry = ERROR_TABLE[message.code];
  return {
    type: `urn:mayfly:error:${message.code}`,
    title: entry.title,
    status: entry.status,
    detail: message.detail,
    code: message.code,
    fault: entry.fault,
    retryable: entry.retryable,
    mend: entry.mend,
    ...(message.field === undefined ? {} : { field: message.field }),
    ...(message.quota === undefined ? {} : { quota: quotaDetails(message.quota) }),
    ...(instance === undefined ? {} : { instance }),
  };
}

function quotaDetails({ name, scope, limit, resetAtMs }: QuotaRefusal): NonNullable<ProblemDetails['quota']> {
  const reset = resetAtMs === undefined ? {} : { resetAt: new Date(resetAtMs).toISOString() };
  return { name, scope, limit, ...reset };
}

/** Seconds after which a retry makes sense where nothing better is known: a publish or a drain takes some. */
const RETRY_AFTER_SECONDS = 1;

/**
 * Fields that tell a caller when to come back: Retry-After (RFC 9110, section 10.2.3) and, for a quota, RateLimit and
 * RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function retryFields(error: unknown): readonly (readonly [string, string])[] {
  const { code, quota } = toErrorMessage(error);
  if (!ERROR_TABLE[code].retryable) return [];
  if (quota === undefined) return [['retry-after', `${RETRY_AFTER_SECONDS}`]];
  // Whole seconds, rounded up: who comes back after them is not early.
  const seconds = Math.max(1, Math.ceil(((quota.resetAtMs ?? 0) - Date.now()) / 1_000));
  const window = quota.windowSeconds === undefined ? '' : `;w=${quota.windowSeconds}`;
  const unit = quota.windowSeconds === undefined ? ';qu="concurrent-requests"' : '';
  return [
    ['retry-after', `${seconds}`],
    ['ratelimit-policy', `"${quota.name}";q=${quota.limit}${window}${unit}`],
    ['ratelimit', `"${quota.name}";r=0;t=${seconds}`],
  ];
}
