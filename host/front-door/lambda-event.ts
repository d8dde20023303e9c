/**
 * A batch as Lambda hands one of SQS to its functions, for handlers that know no records, and their answer:
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 *
 * What SQS has and a queue here has not (receipt handles, checksums, regions) is left out. A body that is not UTF-8 comes in
 * base64 with `isBase64Encoded`, as API Gateway does it.
 */
import { isUtf8 } from 'node:buffer';
import type { TenantName } from '../model/ids.ts';
import type { QueueMessage } from '../model/queue-message.ts';
import { BatchAnswerError, type ItemFailure, idsOf, itemFailure } from './item-failures.ts';

/** `{"Records":[...]}` */
export function lambdaEvent(
  tenant: TenantName,
  source: string,
  messages: readonly QueueMessage[],
): Uint8Array {
  const eventSourceARN = `mayfly:queue:${tenant}/${source}`;
  const records = messages.map((message) => ({
    messageId: message.id,
    ...bodyOf(message.body),
    attributes: {
      ApproximateReceiveCount: `${message.attempts}`,
      SentTimestamp: `${message.sentAtMs}`,
      ...(message.groupKey === undefined ? {} : { MessageGroupId: message.groupKey }),
      ...(message.deduplicationKey === undefined ? {} : { MessageDeduplicationId: message.deduplicationKey }),
    },
    messageAttributes: Object.fromEntries(
      Object.entries({ 'content-type': message.contentType, ...message.attributes }).map(
        ([name, stringValue]) => [name, { stringValue, dataType: 'String' }] as const,
      ),
    ),
    eventSource: 'mayfly:queue',
    eventSourceARN,
  }));
  return Buffer.from(JSON.stringify({ Records: records }));
}

function bodyOf(bytes: Uint8Array): { readonly body: string; readonly isBase64Encoded?: true } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return { body: buffer.toString('utf8') };
  return { body: buffer.toString('base64'), isBase64Encoded: true };
}

/**
 * What `{"batchItemFailures":[{"itemIdentifier":"..."}]}` names. Any other answer, or none, says that all is done. Bytes that are
 * not UTF-8 are replaced rather than refused: they must not hide the failures beside them.
 * @throws BatchAnswerError
 */
export function failuresAnswered(
  answer: Uint8Array,
  messages: readonly { readonly id: string }[],
): ItemFailure[] {
  const listed = parseObject(answer)?.['batchItemFailures'];
  if (listed === undefined || listed === null) return [];
  if (!Array.isArray(listed)) throw new BatchAnswerError('batchItemFailures is no list.');
  const ids = idsOf(messages);
  const failures = new Map<string, ItemFailure>();
  for (const item of listed as unknown[]) {
    const { itemIdentifier } = Object(item) as { readonly itemIdentifier?: unknown };
    const failure = itemFailure(itemIdentifier, undefined, ids);
    failures.set(failure.id, failure);
  }
  return [...failures.values()];
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (bytes.length === 0) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
