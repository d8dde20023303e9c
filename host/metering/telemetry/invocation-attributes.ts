/**
 * What the span of an invocation says, whoever writes it: the SDK's serializer in the main thread (span-tree.ts), or a serving thread
 * (span-writer.ts), where nothing of the SDK is loaded.
 */
import { ERROR_TABLE } from '../../errors/errors.ts';
import type { UsageOutcome, UsageRecord, UsageTrigger } from '../../model/usage-record.ts';

/** There is no attribute for a tenant in the conventions. */
export const ATTR_TENANT = 'mayfly.tenant';
export const ATTR_FAULT = 'mayfly.fault';
export const ATTR_FUEL = 'mayfly.fuel';
export const ATTR_PEAK_MEMORY = 'mayfly.memory.peak';
export const ATTR_ATTEMPT = 'mayfly.attempt';
export const ATTR_BATCH_SIZE = 'mayfly.batch.size';

/** Names of the conventions (span-names.ts). */
export interface SpanNames {
  readonly name: string;
  readonly version: string;
  readonly invocationId: string;
  readonly trigger: string;
  readonly triggers: Readonly<Record<UsageTrigger, string>>;
  readonly coldStart: string;
  readonly errorType: string;
  readonly method: string;
  readonly status: string;
  readonly path: string;
}

export type Attribute = readonly [key: string, value: string | number | boolean];

/** What many invocations have in common. */
export interface InvocationKind extends Pick<UsageRecord, 'trigger' | 'outcome' | 'start'> {
  /** Of a request through the front door. */
  readonly method: string | undefined;
  readonly status: number | undefined;
}

/** A shorter wait is the work of the thread's event loop, and no span. */
export const QUEUE_SPAN_US = 1_000;

export function spanNameOf({ tenant, name }: Pick<UsageRecord, 'tenant' | 'name'>): string {
  return `${tenant}/${name}`;
}

/** In the order in which they are written: what all of a kind have in common comes before what each has of its own. */
export function commonAttributes(
  names: SpanNames,
  { tenant, name, version }: Pick<UsageRecord, 'tenant' | 'name' | 'version'>,
  { trigger, outcome, start, method, status }: InvocationKind,
): Attribute[] {
  const attributes: Attribute[] = [
    [ATTR_TENANT, tenant],
    [names.name, name],
    [names.version, String(version)],
    [names.trigger, names.triggers[trigger]],
    [names.coldStart, start === 'cold'],
    ['mayfly.trigger', trigger],
    ['mayfly.outcome', outcome],
  ];
  if (outcome !== 'returned')
    attributes.push([names.errorType, outcome], [ATTR_FAULT, ERROR_TABLE[outcome].fault]);
  if (method !== undefined && status !== undefined)
    attributes.push([names.method, method], [names.status, status]);
  return attributes;
}

/** Of a server: what the caller did wrong is no error of its span (semantic conventions for HTTP, status). */
export function failureOf(
  outcome: UsageOutcome,
  status: number | undefined,
): { readonly message?: string } | undefined {
  if (outcome !== 'returned' && ERROR_TABLE[outcome].fault !== 'caller')
    return { message: ERROR_TABLE[outcome].title };
  return status !== undefined && status >= 500 ? {} : undefined;
}
