/**
 * Branded identifiers. A plain string never passes for one of these without going through its parser, so a
 * name that reaches the store, a path or a metric has been checked once, at the edge.
 */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** A tenant's name: 1-63 characters, lower-case letters, digits and inner hyphens (an RFC 1123 label). */
export type TenantName = Branded<string, 'TenantName'>;
/** A function's name, unique within its tenant. Same alphabet as {@link TenantName}. */
export type FunctionName = Branded<string, 'FunctionName'>;
/** Names of a tenant's queues, event source mappings and schedules, each unique among its kind. Same alphabet. */
export type QueueName = Branded<string, 'QueueName'>;
export type MappingName = Branded<string, 'MappingName'>;
export type ScheduleName = Branded<string, 'ScheduleName'>;
/** `sha256:` followed by 64 lower-case hex digits. */
export type Digest = Branded<string, 'Digest'>;
/** UUIDv7, so that invocations sort by start time. */
export type InvocationId = Branded<string, 'InvocationId'>;
/** UUIDv7 of a message in a queue. */
export type MessageId = Branded<string, 'MessageId'>;

/** RFC 1123 label; the source is also published as the `pattern` in the OpenAPI document. */
export const NAME_PATTERN: RegExp = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const DIGEST_PATTERN: RegExp = /^sha256:[0-9a-f]{64}$/;

export function asTenantName(text: string): TenantName | undefined {
  return NAME_PATTERN.test(text) ? (text as TenantName) : undefined;
}

export function asFunctionName(text: string): FunctionName | undefined {
  return NAME_PATTERN.test(text) ? (text as FunctionName) : undefined;
}

export function asQueueName(text: string): QueueName | undefined {
  return NAME_PATTERN.test(text) ? (text as QueueName) : undefined;
}

export function asDigest(text: string): Digest | undefined {
  return DIGEST_PATTERN.test(text) ? (text as Digest) : undefined;
}
