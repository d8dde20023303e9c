/** A consumer on a virtual clock, whose function does what a test says. */
import type { EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import type { Destinations } from '../../host/model/event-source-mapping.ts';
import type { FunctionName, InvocationId, QueueName, TenantName } from '../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId } from '../../host/model/queue.ts';
import type { DeadLetter, NewMessage, QueueMessage } from '../../host/model/queue-message.ts';
import type { QueueEngine } from '../../host/store/queues/queue-engine.ts';
import type { OutcomeSink } from '../../host/triggers/batch.ts';
import { BatchBudget } from '../../host/triggers/batch-budget.ts';
import { Consumer, type ConsumerSettings } from '../../host/triggers/consumer.ts';
import type { Outcome } from '../../host/triggers/destination-record.ts';
import { queueSource } from '../../host/triggers/queue-source.ts';
import type { RunFailure } from '../../host/triggers/run-outcome.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

export const TENANT = 'acme' as TenantName;
export const FUNCTION = 'hello' as FunctionName;
export const QUEUE: QueueId = { kind: 'queue', tenant: TENANT, name: 'orders' as QueueName };

export const SETTINGS: ConsumerSettings = {
  batchSize: 10,
  batchingWindowMs: 0,
  maximumConcurrency: 10,
  bisectBatchOnError: false,
  filters: [],
  destinations: {},
  timeoutMs: 10_000,
  retry: { maximumAttempts: 3, maximumAgeMs: 3_600_000, baseMs: 1_000, maximumMs: 60_000, jitter: 'equal' },
};

/** What the function makes of the texts of a batch. */
export type Handler = (
  texts: readonly string[],
  invocation: EventInvocation,
) => EventOutcome | Promise<EventOutcome>;

let invocations = 0;
const invocationId = (): InvocationId => `invocation-${++invocations}` as InvocationId;

export function returned(failures: readonly string[] = [], answer?: string): EventOutcome {
  return {
    kind: 'returned',
    invocationId: invocationId(),
    fuel: 1,
    failures: failures.map((id) => ({ id, detail: 'item' })),
    ...(answer === undefined ? {} : { answer: { contentType: 'text/plain', body: Buffer.from(answer) } }),
  };
}

export function failed(code = 'function_trapped'): EventOutcome {
  return {
    kind: 'failed',
    invocationId: invocationId(),
    fuel: 1,
    cause: { code, detail: code },
    isRetryable: false,
  };
}

export function refused(retryAfterMs: number, code = 'quota_exceeded'): EventOutcome {
  return { kind: 'refused', cause: { code, detail: code }, retryAfterMs };
}

export interface FixtureOptions {
  readonly clock?: VirtualClock;
  readonly engine?: QueueEngine;
  readonly settings?: Partial<ConsumerSettings>;
  readonly handler?: Handler;
  readonly budget?: BatchBudget;
  /** What destinations answer; undefined: told. */
  readonly tell?: (outcome: Outcome, destinations: Destinations) => RunFailure | undefined;
  /** Instead of `tell`. */
  readonly sink?: OutcomeSink;
  readonly random?: () => number;
  readonly isFunctionQueue?: boolean;
}

/** `m0`, `m1`, ... */
export function numbered(count: number, prefix = 'm'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

export class ConsumerFixture {
  readonly clock: VirtualClock;
  readonly engine: QueueEngine;
  readonly consumer: Consumer;
  readonly queue: QueueId;
  /** Texts of each batch that was delivered. */
  readonly batches: string[][] = [];
  readonly invocations: EventInvocation[] = [];
  readonly told: Outcome[] = [];
  readonly reports: string[] = [];
  handler: Handler;
  running = 0;
  mostRunning = 0;

  constructor(options: FixtureOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.engine = options.engine ?? new MemoryEngine(this.clock);
    this.queue =
      options.isFunctionQueue === true ? { kind: 'function', tenant: TENANT, name: FUNCTION } : QUEUE;
    this.handler = options.handler ?? (() => returned());
    this.consumer = new Consumer(
      {
        source: queueSource(this.engine, this.queue),
        deliver: (invocation) => this.#deliver(invocation),
        destinations: options.sink ?? {
          send: async (destinations, outcome) => {
            this.told.push(outcome);
            return options.tell?.(outcome, destinations);
          },
        },
        clock: this.clock,
        random: options.random ?? (() => 0.5),
        report: (message, error) => this.reports.push(`${message}: ${error}`),
        budget: options.budget ?? new BatchBudget({ totalBytes: 2 ** 30, tenantBytes: 2 ** 30 }),
      },
      {
        tenant: TENANT,
        generation: 1,
        name: FUNCTION,
        ...(options.isFunctionQueue === true ? {} : { source: 'orders' }),
      },
      { ...SETTINGS, ...options.settings },
    );
  }

  async #deliver(invocation: EventInvocation): Promise<EventOutcome> {
    const { delivery } = invocation;
    const messages = delivery.kind === 'batch' ? delivery.messages : [delivery.message];
    const texts = messages.map(textOf);
    this.batches.push(texts);
    this.invocations.push(invocation);
    this.running++;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    try {
      return await this.handler(texts, invocation);
    } finally {
      this.running--;
    }
  }

  async send(texts: readonly string[], more: Partial<NewMessage> = {}): Promise<void> {
    const messages = texts.map((text) => newMessage(text, more));
    await this.engine.send(this.queue, defaultQueueSettings(), messages);
    await quiet();
  }

  async start(): Promise<void> {
    this.consumer.start();
    await quiet();
  }

  async deadLetters(): Promise<readonly DeadLetter[]> {
    const { messages } = await this.engine.peek(this.queue, 'dead', { limit: 1_000 });
    return messages as readonly DeadLetter[];
  }

  async left(): Promise<number> {
    const { ready, delayed, inFlight } = await this.engine.counts(this.queue);
    return ready + delayed + inFlight;
  }
}

/** `a1` has the group `a` where groups are wanted. */
export function newMessage(text: string, more: Partial<NewMessage> = {}): NewMessage {
  return { body: Buffer.from(text), contentType: 'text/plain', attributes: {}, ...more };
}

export function inGroups(texts: readonly string[]): NewMessage[] {
  return texts.map((text) => newMessage(text, { groupKey: text[0]! }));
}

export function textOf({ body }: Pick<QueueMessage, 'body'>): string {
  return Buffer.from(body).toString();
}

export function idsOf({ delivery }: EventInvocation, texts: readonly string[]): string[] {
  const messages = delivery.kind === 'batch' ? delivery.messages : [delivery.message];
  return messages.filter((message) => texts.includes(textOf(message))).map(({ id }) => id);
}
