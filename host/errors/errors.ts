/**
 * Every error that leaves the host, in one table: its stable code, whose fault it is, the HTTP status that
 * follows, whether trying again can help, and how to mend it. Problem details (RFC 9457), exit codes of the
 * command line and `docs/errors.md` are all derived from this table; nothing else names a status.
 */
import { CALLER_ERRORS } from './caller-errors.ts';
import { isDiskFull } from './disk-full.ts';
import type { Fault } from './error-entry.ts';
import { FUNCTION_ERRORS } from './function-errors.ts';
import { HOST_ERRORS } from './host-errors.ts';

export const ERROR_TABLE = { ...CALLER_ERRORS, ...FUNCTION_ERRORS, ...HOST_ERRORS } as const;

/** A stable error code: part of the interface, never renamed. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** Which quota a request ran into, and when there is room again. */
export interface QuotaRefusal {
  /** A name of TENANT_QUOTAS or, for a function's own, of FUNCTION_LIMITS. */
  readonly name: string;
  readonly scope: 'tenant' | 'function';
  readonly limit: number;
  /** When a retry can succeed, since the epoch; absent where no time helps, but a change of what is stored. */
  readonly resetAtMs?: number;
  /** Of what is stored: how much there is of it. */
  readonly used?: number;
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
    /** Of what is stored: how much there is of it. */
    readonly used?: number;
    /** When there is room again; null where no time makes room, but a change of what is stored. */
    readonly resetAt: string | null;
  };
}

export interface MayflyErrorOptions {
  readonly field?: string;
  readonly quota?: QuotaRefusal;
  readonly cause?: unknown;
}

/** The only error type that crosses a module boundary on purpose; any other one is an `internal_error`, or tells of a full disk. */
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
  if (isDiskFull(error)) return { code: 'disk_full', detail: 'The disk of the data folder is full.' };
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

function quotaDetails({
  name,
  scope,
  limit,
  used,
  resetAtMs,
}: QuotaRefusal): NonNullable<ProblemDetails['quota']> {
  const resetAt = resetAtMs === undefined ? null : new Date(resetAtMs).toISOString();
  return { name, scope, limit, ...(used === undefined ? {} : { used }), resetAt };
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
