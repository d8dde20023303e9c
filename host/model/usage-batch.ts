/**
 * Usage records on their way from a serving thread or a tenant's process to the ledger: numbers in one array, ids in one string, and what was called
 * once per batch: what takes time on a serving thread is making and copying objects.
 */
import { ERROR_TABLE } from '../errors/errors.ts';
import { HOST_CALL_KINDS } from './host-call-kind.ts';
import type { InvocationId, TenantName } from './ids.ts';
import {
  INSTANCE_STARTS,
  type InvocationUse,
  USAGE_TRIGGERS,
  type UsageOutcome,
  type UsageRecord,
  type UsageSubject,
} from './usage-record.ts';

export interface UsageBatch {
  readonly subjects: readonly UsageSubject[];
  /** Invocation ids, one after the other. */
  readonly ids: string;
  /** {@link COLUMNS} for each record. */
  readonly numbers: Float64Array;
}

/** Both ends run the same release, so that an index into a list of this release means the same to both. */
const OUTCOMES = ['returned', ...Object.keys(ERROR_TABLE)] as readonly UsageOutcome[];
const OUTCOME_AT = new Map(OUTCOMES.map((outcome, i) => [outcome, i]));

/** Of a UUID as text. */
const ID_LENGTH = 36;

/** The subject's index, trigger, outcome, start, sixteen amounts, and host calls of each kind. */
const COLUMNS = 20 + HOST_CALL_KINDS.length;

/** Records in a batch. */
export function lengthOf({ numbers }: UsageBatch): number {
  return numbers.length / COLUMNS;
}

/** Gathers records into batches of at most `capacity`. */
export class UsageBatchWriter {
  readonly #capacity: number;
  readonly #numbers: Float64Array;
  readonly #subjectAt = new Map<object, number>();
  #subjects: UsageSubject[] = [];
  #ids = '';
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#numbers = new Float64Array(capacity * COLUMNS);
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.#capacity;
  }

  /** @param called the same object for as long as the same version is called: it is looked at once per batch */
  append(called: Omit<UsageSubject, 'fuelModel'>, fuelModel: string, use: InvocationUse): void {
    const numbers = this.#numbers;
    let at = this.#length * COLUMNS;
    numbers[at++] = this.#indexOf(called, fuelModel);
    numbers[at++] = USAGE_TRIGGERS.indexOf(use.trigger);
    numbers[at++] = OUTCOME_AT.get(use.outcome)!;
    numbers[at++] = INSTANCE_STARTS.indexOf(use.start);
    // Written out rather than looped over by name: this is on the way of every answer.
    numbers[at++] = use.attempt;
    numbers[at++] = use.endedAtMs;
    numbers[at++] = use.fuel;
    numbers[at++] = use.peakMemoryBytes;
    numbers[at++] = use.queueUs;
    numbers[at++] = use.initUs;
    numbers[at++] = use.execUs;
    numbers[at++] = use.requestBytes;
    numbers[at++] = use.responseBytes;
    numbers[at++] = use.immediateCalls;
    numbers[at++] = use.waitingCalls;
    for (let kind = 0; kind < HOST_CALL_KINDS.length; kind++) numbers[at++] = use.hostCalls[kind]!;
    numbers[at++] = use.outboundRequests;
    numbers[at++] = use.outboundSentBytes;
    numbers[at++] = use.outboundReceivedBytes;
    numbers[at++] = use.logBytes;
    numbers[at++] = use.batchSize;
    this.#ids += use.invocationId;
    this.#length++;
  }

  /** What has been gathered; the writer is empty then. */
  take(): UsageBatch {
    const batch = {
      subjects: this.#subjects,
      ids: this.#ids,
      numbers: this.#numbers.slice(0, this.#length * COLUMNS),
    };
    this.#subjectAt.clear();
    this.#subjects = [];
    this.#ids = '';
    this.#length = 0;
    return batch;
  }

  #indexOf(called: Omit<UsageSubject, 'fuelModel'>, fuelModel: string): number {
    const known = this.#subjectAt.get(called);
    if (known !== undefined && this.#subjects[known]!.fuelModel === fuelModel) return known;
    const { tenant, generation, name, version, artifactKey } = called;
    const at = this.#subjects.push({ tenant, generation, name, version, artifactKey, fuelModel }) - 1;
    this.#subjectAt.set(called, at);
    return at;
  }
}

/**
 * A batch from somebody who is not trusted: as one of this tenant, whatever it says of itself.
 * @throws TypeError if it is not what {@link UsageBatchWriter} makes
 */
export function ofTenant({ subjects, ids, numbers }: UsageBatch, tenant: TenantName): UsageBatch {
  const batch = { subjects: subjects.map((subject) => ({ ...subject, tenant })), ids, numbers };
  if (!(numbers instanceof Float64Array) || typeof ids !== 'string') throw new TypeError('not a batch');
  if (ids.length !== lengthOf(batch) * ID_LENGTH) throw new TypeError('not an id for each record');
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0))
    throw new TypeError('an amount is no whole number');
  for (const { name, trigger, outcome, start } of recordsOf(batch)) {
    if ([name, trigger, outcome, start].includes(undefined as never))
      throw new TypeError('a record is of nothing that there is');
  }
  return batch;
}

/** The records of a batch, in the order in which they were appended. */
export function* recordsOf({ subjects, ids, numbers }: UsageBatch): Generator<UsageRecord> {
  for (let i = 0; i * COLUMNS < numbers.length; i++) {
    let at = i * COLUMNS;
    const next = (): number => numbers[at++]!;
    const { tenant, generation, name, version, artifactKey, fuelModel } = subjects[next()]!;
    // In the order in which they were written: an object literal is made from top to bottom.
    yield {
      tenant,
      generation,
      name,
      version,
      artifactKey,
      fuelModel,
      invocationId: ids.slice(i * ID_LENGTH, (i + 1) * ID_LENGTH) as InvocationId,
      trigger: USAGE_TRIGGERS[next()]!,
      outcome: OUTCOMES[next()]!,
      start: INSTANCE_STARTS[next()]!,
      attempt: next(),
      endedAtMs: next(),
      fuel: next(),
      peakMemoryBytes: next(),
      queueUs: next(),
      initUs: next(),
      execUs: next(),
      requestBytes: next(),
      responseBytes: next(),
      immediateCalls: next(),
      waitingCalls: next(),
      componentCalls: next(),
      cliCalls: next(),
      clocksCalls: next(),
      filesystemCalls: next(),
      httpCalls: next(),
      ioCalls: next(),
      randomCalls: next(),
      socketsCalls: next(),
      otherCalls: next(),
      outboundRequests: next(),
      outboundSentBytes: next(),
      outboundReceivedBytes: next(),
      logBytes: next(),
      batchSize: next(),
    };
  }
}
