/**
 * Calls functions for events that the host keeps: batches of messages, asynchronous invocations, ticks of schedules.
 *
 * 1. Whatever happens, there is an outcome: `deliver` never rejects.
 * 2. `refused` means that nothing of the guest has run; `failed` that it was an attempt.
 * 3. An event waits in its queue, not in the tenant's waiting room: where all places are taken it is refused at once. The
 *    room is small and for callers who hold a connection open; whoever keeps a million messages would fill it for good.
 *
 * A component is called by the handler that fits best: a batch by `queue-handler`, a tick by `schedule-handler`, everything else and whatever
 * has no such handler as a request (`POST /`, or standard input of a command). What takes no requests gets a single event as a batch of one.
 */
import { ERROR_TABLE, type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import type { EventCall } from '../instance/event-call.ts';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import { type EventHandlerName, takesEventsOnly } from '../model/artifact.ts';
import type { EventDelivery, EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { QueueMessage } from '../model/queue-message.ts';
import { parseTraceContext, traceparentOf } from '../model/trace-context.ts';
import { refusedEvent } from '../worker/event-refusal.ts';
import type { OwnAccount, OwnCall, OwnCause, OwnResult } from './call.ts';
import { EventExchange, NO_EXCHANGE } from './event-exchange.ts';
import { asVariables, eventFields, printable } from './event-fields.ts';
import { batchRecord, failuresReturned, tickRecord } from './event-records.ts';
import type { Invoker } from './invoker.ts';
import type { InvokerPorts } from './invoker-ports.ts';
import { BatchAnswerError, type ItemFailure } from './item-failures.ts';
import { failuresAnswered, lambdaEvent } from './lambda-event.ts';

export interface EventDeliveriesPorts extends Pick<InvokerPorts, 'resolve' | 'isDraining'> {
  readonly invoker: Pick<Invoker, 'run' | 'deliverIsolated'>;
  nowMs(): number;
  /** For the operator: what should not have happened. */
  report(message: string, error: unknown): void;
}

/** What an answer says, once the invocation has returned. */
type Reading = Pick<EventOutcome & { kind: 'returned' }, 'failures' | 'answer'>;

/** A call, and how its answer is read. */
interface PreparedCall {
  readonly call: Omit<OwnCall, 'account'>;
  /** @throws MayflyError, BatchAnswerError if it was none */
  read(): Reading;
}

type Terminate = (code: ErrorCode, detail: string) => Error;

export class EventDeliveries {
  readonly #ports: EventDeliveriesPorts;

  constructor(ports: EventDeliveriesPorts) {
    this.#ports = ports;
  }

  /** @param known what was decided of it elsewhere */
  async deliver(
    invocation: EventInvocation,
    known: Pick<OwnCause, 'invocationId' | 'handedTrace'> = {},
  ): Promise<EventOutcome> {
    const { invoker, nowMs, report, resolve, isDraining } = this.#ports;
    const { tenant, name } = invocation;
    let prepared: PreparedCall | undefined;
    try {
      if (isDraining()) throw new MayflyError('draining', 'The host takes no new invocations.');
      const route = await resolve(tenant, name);
      if (route === undefined)
        throw new MayflyError('function_not_found', `Tenant '${tenant}' has no function '${name}'.`);
      const cause = { ...causeOf(invocation), ...known };
      if (route.process !== undefined)
        return await invoker.deliverIsolated(route, route.process, cause, invocation);
      const result = await invoker.run(route, cause, undefined, (artifact, terminate, trace) => {
        // The guest is told of the span of this attempt, not of its cause's.
        const told = trace === undefined ? {} : { traceparent: traceparentOf(trace) };
        prepared = prepare({ ...invocation, ...told }, route.live, artifact, terminate);
        return { ...prepared.call, account: () => accountOf(invocation.delivery, prepared!) };
      });
      return outcomeOf(result, () => prepared!.read());
    } catch (error) {
      if (!(error instanceof MayflyError)) report(`an event for ${tenant}/${name} was not delivered`, error);
      return refusedEvent(error, nowMs());
    }
  }
}

function prepare(
  invocation: EventInvocation,
  live: LiveFunction,
  artifact: LoadedArtifact,
  terminate: Terminate,
): PreparedCall {
  const handler = handlerFor(invocation.delivery, artifact);
  return handler === undefined
    ? prepareRequest(invocation, live, terminate)
    : prepareRecord(invocation, handler);
}

/** The event handler that is called; undefined for a request. */
function handlerFor(
  { kind }: EventDelivery,
  { manifest: { handler, eventHandlers } }: LoadedArtifact,
): EventHandlerName | undefined {
  const own = kind === 'batch' ? 'queue' : kind === 'tick' ? 'schedule' : undefined;
  if (own !== undefined && eventHandlers[own] !== undefined) return own;
  return takesEventsOnly(handler) ? 'queue' : undefined;
}

function prepareRecord(invocation: EventInvocation, handler: EventHandlerName): PreparedCall {
  let returned: unknown;
  const event: EventCall = {
    handler,
    argument: handler === 'queue' ? batchRecord(invocation) : tickRecord(invocation),
    returned: (value) => {
      returned = value;
    },
  };
  return {
    call: { exchange: NO_EXCHANGE, event },
    read: () => {
      if (handler === 'schedule') return { failures: [] };
      const failures = failuresReturned(returned, messagesOf(invocation.delivery));
      const [failure] = failures;
      // One that came alone has no other messages that could be done.
      if (failure !== undefined && invocation.delivery.kind !== 'batch')
        throw new MayflyError('event_failed', failure.detail);
      return { failures };
    },
  };
}

function prepareRequest(
  invocation: EventInvocation,
  { configuration }: LiveFunction,
  terminate: Terminate,
): PreparedCall {
  const { tenant, delivery } = invocation;
  const fields = eventFields(invocation);
  const exchange = new EventExchange({
    ...(delivery.kind === 'batch'
      ? { event: lambdaEvent(tenant, delivery.source, delivery.messages), contentType: 'application/json' }
      : { event: delivery.message.body, contentType: printable(delivery.message.contentType) }),
    fields,
    // More would fit into no destination.
    maxAnswerBytes: Math.min(configuration.responseBytes, QUEUE_LIMITS.bodyBytes),
    terminate,
  });
  return {
    call: { exchange, variables: asVariables(fields) },
    read: () => {
      const { answer } = exchange;
      if (answer === undefined)
        throw new MayflyError('no_response', 'The function returned without a complete answer.');
      const { status, contentType, body } = answer;
      if (status >= 400) throw new MayflyError('event_failed', `The function answered ${status}.`);
      const failures: readonly ItemFailure[] =
        delivery.kind === 'batch' ? failuresAnswered(body, delivery.messages) : [];
      return { failures, ...(body.length === 0 ? {} : { answer: { contentType, body } }) };
    },
  };
}

/** Of a batch's messages: more would be a span that nobody looks through. */
const LINKS = 100;

/** For its usage record: what caused it. A batch belongs to the trace of its first message; the others are linked to. */
function causeOf({ delivery, traceparent }: EventInvocation): OwnCause {
  const messages = messagesOf(delivery);
  const traces = messages.flatMap(({ attributes }) => attributes['traceparent'] ?? []);
  const parent = traceparent ?? traces[0];
  return {
    trigger: delivery.kind === 'batch' ? 'queue' : delivery.kind === 'tick' ? 'schedule' : 'async',
    attempt: Math.max(...messages.map(({ attempts }) => attempts), 1),
    batchSize: messages.length,
    parent: parseTraceContext(parent, messages[0]?.attributes['tracestate']),
    links: traces.filter((each) => each !== parent).slice(0, LINKS),
  };
}

/** What came of it counts as its caller hears it: an answer that says no is no success. */
function accountOf(delivery: EventDelivery, { call: { exchange }, read }: PreparedCall): OwnAccount {
  return {
    failure: failureOf(read),
    requestBytes: messagesOf(delivery).reduce((bytes, { body }) => bytes + body.length, 0),
    responseBytes: exchange instanceof EventExchange ? exchange.responseBytes : 0,
  };
}

function failureOf(read: () => Reading): ErrorCode | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return error instanceof MayflyError ? error.code : 'batch_answer_invalid';
  }
}

function messagesOf(delivery: EventDelivery): readonly QueueMessage[] {
  return delivery.kind === 'batch' ? delivery.messages : [delivery.message];
}

function outcomeOf({ failure, fuel, invocationId }: OwnResult, read: () => Reading): EventOutcome {
  const failed = (code: ErrorCode, detail: string): EventOutcome => ({
    kind: 'failed',
    invocationId,
    fuel,
    cause: { code, detail },
    isRetryable: ERROR_TABLE[code].retryable,
  });
  if (failure !== undefined) return failed(failure.code, failure.detail);
  try {
    return { kind: 'returned', invocationId, fuel, ...read() };
  } catch (error) {
    if (error instanceof MayflyError) return failed(error.code, error.message);
    if (error instanceof BatchAnswerError) return failed('batch_answer_invalid', error.message);
    throw error;
  }
}
