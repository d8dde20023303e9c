/**
 * Passes outcomes on: to a queue, to a function's event queue, or to a webhook. Told before the source message is settled, so nothing is lost;
 * told again where the host ends in between, so receivers may see one twice. Queues recognise that (deduplication key) within one attempt, and
 * webhooks by `webhook-id`.
 *
 * 1. `send` never rejects, and does not wait for longer than {@link TRIES} allow: the lease of the source message is extended meanwhile.
 * 2. A chain of destinations is {@link CHAIN_DEPTH} links long at most: functions that feed each other in a circle come to an end.
 */
import { ERROR_TABLE, MayflyError, toErrorMessage } from '../errors/errors.ts';
import {
  CHAIN_DEPTH_ATTRIBUTE,
  TRACEPARENT_ATTRIBUTE,
  TRACESTATE_ATTRIBUTE,
} from '../model/event-attributes.ts';
import type { Destination, Destinations as Settings } from '../model/event-source-mapping.ts';
import type { FunctionName, QueueName } from '../model/ids.ts';
import { functionQueueSettings, type QueueId, type QueueSettings } from '../model/queue.ts';
import type { NewMessage } from '../model/queue-message.ts';
import { webhookHeaders } from '../model/webhook-signature.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import type { OutcomeSink } from './batch.ts';
import { destinationRecord, type Outcome } from './destination-record.ts';
import type {
  Randomness,
  Report,
  TriggerClock,
  TriggerDefinitions,
  WebhookSecret,
  WebhookSender,
} from './ports.ts';
import { backoffMs } from './retry-policy.ts';
import type { RunFailure } from './run-outcome.ts';

export interface DestinationsPorts {
  readonly engine: Pick<QueueEngine, 'send'>;
  readonly definitions: Pick<TriggerDefinitions, 'functionFacts' | 'generationOf' | 'queueSettings'>;
  readonly webhooks: WebhookSender;
  readonly webhookSecret: WebhookSecret;
  readonly clock: TriggerClock;
  readonly random: Randomness;
  readonly report: Report;
}

/** As Lambda, which ends recursive loops after 16 rounds. */
export const CHAIN_DEPTH = 16;

/** A destination that is away for longer makes the attempt a failed one, with waits of its own. */
const TRIES = 3;
const TRY_BACKOFF = { baseMs: 500, maximumMs: 5_000, jitter: 'equal' } as const;

const RECORD_TYPE = 'application/json';

export class Destinations implements OutcomeSink {
  readonly #ports: DestinationsPorts;

  constructor(ports: DestinationsPorts) {
    this.#ports = ports;
  }

  async send(settings: Settings, outcome: Outcome): Promise<RunFailure | undefined> {
    const destination = outcome.condition === 'Success' ? settings.onSuccess : settings.onFailure;
    if (destination === undefined || destination === null) return undefined;
    const depth = chainDepth(outcome);
    if (depth > CHAIN_DEPTH) {
      const detail = `${CHAIN_DEPTH} destinations led here one behind the other; ${named(destination)} would be one more.`;
      return { cause: { code: 'destination_loop', detail }, isFinal: true };
    }
    const { clock, random } = this.#ports;
    const record = destinationRecord(outcome, clock.nowMs());
    const key = deduplicationKey(outcome);
    for (let tries = 1; ; tries++) {
      const failed = await this.#try(destination, outcome, { record, key, depth });
      if (failed === undefined) return undefined;
      if (tries >= TRIES || !failed.canHelp)
        return {
          cause: { code: 'destination_failed', detail: `${named(destination)}: ${failed.detail}` },
          isFinal: false,
        };
      const waited = Promise.withResolvers<void>();
      clock.after(backoffMs(TRY_BACKOFF, tries, random), waited.resolve);
      await waited.promise;
    }
  }

  /** Undefined once the destination has it. */
  async #try(
    destination: Destination,
    outcome: Outcome,
    parcel: Parcel,
  ): Promise<{ readonly detail: string; readonly canHelp: boolean } | undefined> {
    try {
      if (destination.type === 'webhook') return await this.#post(destination.url, outcome, parcel);
      const { queue, settings } = this.#queueOf(outcome, destination);
      await this.#ports.engine.send(queue, settings, [messageOf(outcome, parcel)]);
      return undefined;
    } catch (error) {
      const { code, detail } = toErrorMessage(error);
      if (code === 'internal_error')
        this.#ports.report(`${named(destination)} of ${outcome.tenant} was not told`, error);
      return { detail, canHelp: ERROR_TABLE[code].retryable };
    }
  }

  #queueOf(
    { tenant, generation }: Outcome,
    destination: Exclude<Destination, { type: 'webhook' }>,
  ): { readonly queue: QueueId; readonly settings: QueueSettings } {
    const { definitions } = this.#ports;
    // What ran when its tenant was removed may end when there is another of the name.
    if (definitions.generationOf(tenant) !== generation)
      throw new MayflyError('tenant_not_found', 'The tenant is gone.');
    if (destination.type === 'queue') {
      // The names have passed the schema of the destination, which wants the pattern of both.
      const name = destination.queue as QueueName;
      const settings = definitions.queueSettings(tenant, name);
      if (settings === undefined) throw new MayflyError('queue_not_found', 'There is no such queue.');
      return { queue: { kind: 'queue', tenant, name }, settings };
    }
    const name = destination.function as FunctionName;
    const facts = definitions.functionFacts(tenant, name);
    if (facts === undefined) throw new MayflyError('function_not_found', 'There is no such function.');
    return { queue: { kind: 'function', tenant, name }, settings: functionQueueSettings(facts.invokeConfig) };
  }

  async #post(
    url: string,
    outcome: Outcome,
    { record, key }: Parcel,
  ): Promise<{ readonly detail: string; readonly canHelp: boolean } | undefined> {
    const { webhooks, webhookSecret, clock } = this.#ports;
    const { tenant, name } = outcome;
    const from = { tenant, name };
    const signature = webhookHeaders(key, clock.nowMs(), record, webhookSecret(from));
    const headers = { 'content-type': RECORD_TYPE, ...signature, ...traceOf(outcome) };
    let status: number;
    try {
      ({ status } = await webhooks.post(from, url, headers, record));
    } catch (error) {
      return { detail: error instanceof Error ? error.message : 'No answer.', canHelp: true };
    }
    if (status >= 200 && status < 300) return undefined;
    // As Standard Webhooks has it: whatever is not 2xx is tried again, but 410 says that nobody is there any more.
    return { detail: `The webhook answered ${status}.`, canHelp: status !== 410 };
  }
}

interface Parcel {
  readonly record: Uint8Array;
  readonly key: string;
  readonly depth: number;
}

function messageOf(outcome: Outcome, { record, key, depth }: Parcel): NewMessage {
  return {
    body: record,
    contentType: RECORD_TYPE,
    attributes: { [CHAIN_DEPTH_ATTRIBUTE]: `${depth}`, ...traceOf(outcome) },
    deduplicationKey: key,
  };
}

/** The trace goes on behind the destination. */
function traceOf({ messages }: Outcome): Record<string, string> {
  const { [TRACEPARENT_ATTRIBUTE]: traceparent, [TRACESTATE_ATTRIBUTE]: tracestate } =
    messages[0]!.attributes;
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(traceparent === undefined || tracestate === undefined ? {} : { tracestate }),
  };
}

/** Of what is sent now: one more than that of the message which has come the longest way. */
function chainDepth({ messages }: Outcome): number {
  return 1 + Math.max(...messages.map(({ attributes }) => Number(attributes[CHAIN_DEPTH_ATTRIBUTE]) || 0));
}

/**
 * The same for each try at telling this outcome, at most 125 characters. The invocation is part of it, not only the attempt: a dead letter that
 * was redriven counts its attempts from the start, and its second death is news. Where nothing was run, the function and when the message was
 * sent stand for it: several functions read one stream, and a redrive sends anew.
 */
function deduplicationKey({ name, messages, invocationId, condition }: Outcome): string {
  const { id, sentAtMs, attempts } = messages[0]!;
  const ending = condition === 'Success' ? 'success' : 'failure';
  return `${id}/${invocationId ?? `${name}/${sentAtMs.toString(36)}/${attempts}`}/${ending}`;
}

function named(destination: Destination): string {
  switch (destination.type) {
    case 'queue':
      return `queue ${destination.queue}`;
    case 'function':
      return `function ${destination.function}`;
    case 'webhook':
      return 'webhook';
  }
}
