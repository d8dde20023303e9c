/** What the span of an invocation says, whoever writes it: the SDK's serializer (span-tree.ts), or we (span-writer.ts). */
import { ERROR_TABLE } from '../../errors/errors.ts';
import type { SpanSubject } from '../../model/span-batch.ts';
import type { UsageOutcome, UsageRecord } from '../../model/usage-record.ts';
import { SPAN_NAMES } from './span-names.ts';

/** There is no attribute for a tenant in the conventions. */
export const ATTR_TENANT = 'mayfly.tenant';
export const ATTR_FAULT = 'mayfly.fault';
export const ATTR_FUEL = 'mayfly.fuel';
export const ATTR_PEAK_MEMORY = 'mayfly.memory.peak';
export const ATTR_ATTEMPT = 'mayfly.attempt';
export const ATTR_BATCH_SIZE = 'mayfly.batch.size';

export type Attribute = readonly [key: string, value: string | number | boolean];

/** A shorter wait is the work of the thread's event loop, and no span. */
export const QUEUE_SPAN_US = 1_000;

export function spanNameOf({ tenant, name }: Pick<UsageRecord, 'tenant' | 'name'>): string {
  return `${tenant}/${name}`;
}

/** In the order in which they are written: what all of a kind have in common comes before what each has of its own. */
export function commonAttributes(subject: SpanSubject): Attribute[] {
  const { tenant, name, version, trigger, outcome, start, method, status } = subject;
  const attributes: Attribute[] = [
    [ATTR_TENANT, tenant],
    [SPAN_NAMES.name, name],
    [SPAN_NAMES.version, String(version)],
    [SPAN_NAMES.trigger, SPAN_NAMES.triggers[trigger]],
    [SPAN_NAMES.coldStart, start === 'cold'],
    ['mayfly.trigger', trigger],
    ['mayfly.outcome', outcome],
  ];
  if (outcome !== 'returned')
    attributes.push([SPAN_NAMES.errorType, outcome], [ATTR_FAULT, ERROR_TABLE[outcome].fault]);
  if (method !== undefined && status !== undefined)
    attributes.push([SPAN_NAMES.method, method], [SPAN_NAMES.status, status]);
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
