/**
 * What a destination is told of an outcome: Lambda's record, version 1.0. See
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
import { isUtf8 } from 'node:buffer';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { MessageCause, QueueMessage } from '../model/queue-message.ts';

/** Lambda's two reasons and success; `Failed` is for what no number of attempts would have mended. */
export type Condition = 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'Failed';

export interface Outcome {
  readonly tenant: TenantName;
  /** Of the tenant: a later one of the name is somebody else. */
  readonly generation: number;
  readonly name: FunctionName;
  readonly condition: Condition;
  /** At least one: those of a batch that were handled together, or the one that is dead. */
  readonly messages: readonly QueueMessage[];
  /** Whether they came as a batch; the payload is `{"Records":[...]}` then. */
  readonly isBatch: boolean;
  /** Absent where nothing was run. */
  readonly invocationId?: InvocationId;
  readonly cause?: MessageCause;
  readonly answer?: { readonly contentType: string; readonly body: Uint8Array };
}

interface Content {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Room for what is around the payloads. */
const ENVELOPE_BYTES = 4_096;

/** As JSON, below the bound of a message: payloads that would go beyond it are null, and named in `payloadsLeftOut`. */
export function destinationRecord(outcome: Outcome, nowMs: number): Uint8Array {
  const { messages, cause, answer } = outcome;
  const requestBytes = sizeOf(messages);
  const answerBytes = answer === undefined ? 0 : answer.body.length;
  for (const leftOut of [[], ['requestPayload'], ['requestPayload', 'responsePayload']]) {
    // Encoding makes nothing smaller: what is too large already is not even tried.
    const kept = (leftOut.length === 0 ? requestBytes : 0) + (leftOut.length < 2 ? answerBytes : 0);
    if (kept > QUEUE_LIMITS.bodyBytes - ENVELOPE_BYTES) continue;
    const record = Buffer.from(JSON.stringify(fields(outcome, nowMs, leftOut)));
    if (record.length <= QUEUE_LIMITS.bodyBytes || leftOut.length === 2) return record;
  }
  throw new RangeError(
    `an outcome without payloads is too large (${cause?.detail.length ?? 0} characters of cause)`,
  );
}

function fields(outcome: Outcome, nowMs: number, leftOut: readonly string[]): unknown {
  const { tenant, name, condition, messages, invocationId, cause, answer } = outcome;
  const isKept = (payload: string): boolean => !leftOut.includes(payload);
  return {
    version: '1.0',
    timestamp: new Date(nowMs).toISOString(),
    requestContext: {
      requestId: invocationId ?? messages[0]!.id,
      functionArn: `mayfly:function:${tenant}/${name}`,
      condition,
      approximateInvokeCount: Math.max(...messages.map(({ attempts }) => attempts)),
      ...(leftOut.length === 0 ? {} : { payloadsLeftOut: leftOut }),
    },
    requestPayload: isKept('requestPayload') ? requestPayload(outcome) : null,
    responseContext: { statusCode: 200, ...(cause === undefined ? {} : { functionError: cause.code }) },
    responsePayload: isKept('responsePayload') ? responsePayload(cause, answer) : null,
  };
}

function requestPayload({ isBatch, messages }: Outcome): unknown {
  if (!isBatch) return payload(messages[0]!);
  return {
    Records: messages.map((message) => ({
      messageId: message.id,
      body: payload(message),
      contentType: message.contentType,
      attributes: message.attributes,
      ...(message.groupKey === undefined ? {} : { groupKey: message.groupKey }),
    })),
  };
}

function responsePayload(cause: MessageCause | undefined, answer: Content | undefined): unknown {
  if (cause !== undefined) return { errorType: cause.code, errorMessage: cause.detail };
  return answer === undefined ? null : payload(answer);
}

/** JSON as it is, other text as a string, everything else in base64. */
function payload({ body, contentType }: Content): unknown {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!isUtf8(bytes)) return bytes.toString('base64');
  const text = bytes.toString('utf8');
  if (!/[/+]json\b/i.test(contentType)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function sizeOf(messages: readonly QueueMessage[]): number {
  return messages.reduce((sum, { body }) => sum + body.length, 0);
}
