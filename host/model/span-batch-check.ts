/** A batch of spans from somebody who is not trusted. What it says becomes bytes of an export, which one senseless number would spoil for all. */
import { ERROR_TABLE } from '../errors/errors.ts';
import type { TenantName } from './ids.ts';
import {
  COLUMNS,
  ID_BYTES,
  INVOCATION_ID_AT,
  MAX_PATH,
  type SpanBatch,
  type SpanSubject,
  spansIn,
} from './span-batch.ts';
import { INSTANCE_STARTS, USAGE_TRIGGERS } from './usage-record.ts';

/** More than a relay gathers. */
const MAX_RECORDS = 1_000;
/** Beyond any name of a function, and any method that the parser knows. */
const MAX_WORD = 128;
/** The last moment that there is (ECMA-262, 21.4.1.1). */
const MAX_MS = 8.64e15;

/**
 * As one of this tenant, whatever it says of itself.
 * @throws TypeError if it is not what `SpanBatchWriter` makes
 */
export function batchOfTenant(batch: SpanBatch, tenant: TenantName): SpanBatch {
  const { subjects, paths, ids, numbers } = batch;
  assert(ids instanceof Uint8Array && numbers instanceof Float64Array, 'a batch');
  const length = numbers.length / COLUMNS;
  assert(Number.isInteger(length) && length <= MAX_RECORDS && ids.length === length * ID_BYTES, 'a batch');
  assert(subjects.length <= length && paths.length <= length, 'what its records are of');
  for (const subject of subjects) assertSubject(subject);
  for (const path of paths) assert(typeof path === 'string' && path.length <= MAX_PATH, 'a path');
  // Each index leads to something, or a record has no subject.
  for (let at = 1; at < numbers.length; at += COLUMNS) {
    const path = numbers[at]!;
    assert(path === -1 || (Number.isInteger(path) && path >= 0 && path < paths.length), 'a path');
  }
  for (const { subject, endMs, idsAt, path: _, hasParent: __, ...amounts } of spansIn(batch)) {
    assert(subject !== undefined, 'an invocation of something');
    assert(endMs >= 0 && endMs <= MAX_MS, 'a time');
    for (const amount of Object.values(amounts))
      assert(Number.isSafeInteger(amount) && amount >= 0, 'an amount');
    const text = ids.subarray(idsAt + INVOCATION_ID_AT, idsAt + ID_BYTES);
    assert(
      text.every((byte) => byte > 0x20 && byte < 0x7f),
      'an id',
    );
  }
  return { subjects: subjects.map((subject) => ({ ...subject, tenant })), paths, ids, numbers };
}

function assertSubject({ name, version, trigger, outcome, start, method, status }: SpanSubject): void {
  assert(isWord(name) && Number.isSafeInteger(version), 'a function');
  assert(outcome === 'returned' || Object.hasOwn(ERROR_TABLE, outcome), 'an outcome');
  assert(USAGE_TRIGGERS.includes(trigger) && INSTANCE_STARTS.includes(start), 'an invocation');
  assert(method === undefined || isWord(method), 'a method');
  assert(status === undefined || (Number.isInteger(status) && status >= 100 && status <= 999), 'a status');
}

function isWord(text: unknown): boolean {
  return typeof text === 'string' && text.length <= MAX_WORD;
}

function assert(holds: boolean, what: string): void {
  if (!holds) throw new TypeError(`not ${what}`);
}
