/**
 * From a request to the end of its invocation: resolve, admit, run, answer. HTTP requests to a
 * function's URL and events through the API take the same way.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import { DelayQueue } from '../instance/delay-queue.ts';
import { RunningInvocation } from '../instance/engine.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationId } from '../model/ids.ts';
import type { TraceContext } from '../model/trace-context.ts';
import type { InvocationUse } from '../model/usage-record.ts';
import type { Place } from '../scheduler/admission.ts';
import type { HeaderList } from '../wasi/context.ts';
import type {
  Call,
  CallOptions,
  OwnAccount,
  OwnCall,
  OwnCause,
  OwnResult,
  Question,
  Settled,
  Terminate,
} from './call.ts';
import { corsFields, type Fields, isPreflight, preflightFields } from './cors.ts';
import { type EventAnswer, EventExchange } from './event-exchange.ts';
import { sendProblem } from './exchange.ts';
import type { LiveRoute } from './gate.ts';
import { impose, untilClosed } from './hang-up.ts';
import { type InvocationCause, type InvocationEnd, useOf, useOfFailure } from './invocation-use.ts';
import type { InvokerPorts } from './invoker-ports.ts';
import { payerOf } from './refusal-payer.ts';
import { HOLD_MS } from './response-sink.ts';
import { RunningInvocations } from './running-invocations.ts';
import { ServedCall } from './served-call.ts';
import { traceContextOf, traceFields } from './trace-fields.ts';

const NO_FIELDS: Fields = [];
const NOTHING_ADDED: HeaderList = [];

export class Invoker {
  readonly #ports: InvokerPorts;
  /** Heads of answers that wait for the end of their invocation. */
  readonly #hold = new DelayQueue(HOLD_MS);
  readonly #running = new RunningInvocations();
  /** Not yet over, those that only wait included. */
  #calls = 0;
  #onIdle: (() => void) | undefined;

  constructor(ports: InvokerPorts) {
    this.#ports = ports;
  }

  /** Whether no more than one invocation is there on this thread, those included that only wait. */
  get hasOneAtMost(): boolean {
    return this.#calls <= 1;
  }

  /** Resolves when no invocation is running on this thread. */
  idle(): Promise<void> {
    if (this.#calls === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Ends whatever runs; each caller is answered, or its answer is broken off. */
  cancelAll(code: ErrorCode, detail: string): void {
    this.#ports.gate.close();
    this.#running.cancelAll(code, detail);
    this.#ports.isolated.cancelAll(new MayflyError(code, detail));
  }

  /** See {@link RunningInvocations.endHeaviest}. */
  endHeaviest(code: ErrorCode, detail: string): LiveFunction[] {
    return this.#running.endHeaviest(code, detail);
  }

  /** Answers the request itself, whatever happens; resolves once the invocation is over. */
  async call(options: CallOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const arrivedMs = performance.now() - (options.queuedMs ?? 0);
    const invocationId = options.invocationId ?? (randomUUIDv7() as InvocationId);
    const { handedTrace } = options;
    const trace =
      handedTrace === undefined
        ? this.#ports.trace(traceContextOf(incoming))
        : this.#ports.resumeTrace(handedTrace);
    let responseFields = NO_FIELDS;
    let failure: unknown;
    this.#calls++;
    await this.#ports.stages.toBegin();
    try {
      if (this.#ports.isDraining()) {
        outgoing.setHeader('connection', 'close');
        throw new MayflyError('draining', 'The host takes no new invocations.');
      }
      const found = this.#ports.resolve(options.tenant, options.name);
      const route = found instanceof Promise ? await found : found;
      if (route === undefined) {
        throw new MayflyError(
          'function_not_found',
          `Tenant '${options.tenant}' has no function '${options.name}'.`,
        );
      }
      const { hidden, pathWithQuery, url } = options;
      const { cors } = route.live.configuration;
      if (url !== undefined && cors !== null && isPreflight(incoming)) {
        outgoing.writeHead(204, preflightFields(cors, incoming).flat()).end();
        return;
      }
      if (url !== undefined) responseFields = corsFields(cors, incoming);
      const admitted =
        url === undefined
          ? { hidden, added: NOTHING_ADDED }
          : url.admit(route.live, { incoming, invocationId, pathWithQuery, trace: trace?.context }, () =>
              untilClosed(outgoing),
            );
      const passage = admitted instanceof Promise ? await admitted : admitted;
      const place = this.#enter(route, () => untilClosed(outgoing));
      if (place instanceof MayflyError) failure = place;
      else {
        const call = { options, passage, invocationId, trace, arrivedMs, responseFields, incoming, outgoing };
        await this.#serve(call, route, place instanceof Promise ? await place : place);
      }
    } catch (error) {
      failure = error;
    }
    try {
      if (failure === undefined) return;
      const payer = payerOf(failure, options.tenant, incoming);
      const delayMs = payer === undefined ? 0 : this.#ports.refusals.delayMs(payer);
      if (delayMs > 0 && !this.#ports.isDraining()) await this.#holdBack(delayMs);
      // A flood's refusals are answers like others: whoever is refused costs less of the thread, too.
      else if (this.#calls > 1) await this.#ports.stages.toAnswer();
      if (!outgoing.headersSent) {
        const fields = [['mayfly-invocation-id', invocationId] as const, ...responseFields];
        sendProblem(incoming, outgoing, failure, fields, invocationId);
      }
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#onIdle?.();
    }
  }

  /**
   * Calls a function on the host's own account. It takes a place, fuel and time as any call does.
   * @throws MayflyError what its invocation failed with, no_response for an incomplete answer
   */
  async ask(route: LiveRoute, question: Question, gone: AbortSignal): Promise<EventAnswer> {
    const { trigger, event, contentType, maxAnswerBytes, timeoutMs } = question;
    const { invocationId, handedTrace, cause: parent } = question;
    const { live, process } = route;
    if (process !== undefined) {
      return this.#onOwnAccount(
        route,
        { trigger, parent },
        () => gone,
        (cause) => this.#ports.isolated.ask({ process, live, cause }, question, gone),
      );
    }
    let exchange: EventExchange | undefined;
    const { failure } = await this.run(
      route,
      { trigger, invocationId, parent, handedTrace },
      () => gone,
      (_artifact, terminate, trace) => {
        const fields = traceFields(trace);
        exchange = new EventExchange({ event, contentType, fields, maxAnswerBytes, terminate });
        const own = exchange;
        const account = (): OwnAccount => ({
          failure: own.answer === undefined ? 'no_response' : undefined,
          requestBytes: event.length,
          responseBytes: own.responseBytes,
        });
        return { exchange, account, limit: { gone, timeoutMs } };
      },
    );
    if (failure !== undefined) throw new MayflyError(failure.code, failure.detail);
    if (exchange?.answer !== undefined) return exchange.answer;
    throw new MayflyError('no_response', 'The function returned without a complete answer.');
  }

  /**
   * An invocation on the host's own account, in one of the function's places.
   * @param cause for its usage record
   * @param untilGone as the gate has it
   * @param prepare what it is called with, once it has a place
   * @throws MayflyError why it was not run
   */
  async run(
    route: LiveRoute,
    cause: OwnCause,
    untilGone: (() => AbortSignal) | undefined,
    prepare: (artifact: LoadedArtifact, terminate: Terminate, trace?: TraceContext) => OwnCall,
  ): Promise<OwnResult> {
    return this.#onOwnAccount(route, cause, untilGone, async ({ invocationId, trace }, settled) => {
      const artifact = await this.#artifactOf(route);
      let running: RunningInvocation | undefined;
      const { limit, account, ...call } = prepare(
        artifact,
        (code, detail) => {
          running?.cancel(code, detail);
          return new MayflyError(code, detail);
        },
        trace?.context,
      );
      const { live } = route;
      const outbound = this.#ports.outbound(route);
      const clock = this.#ports.clockOf(route);
      running = new RunningInvocation(
        { ...call, invocationId, live, artifact, trigger: 'event', scriptName: '', outbound, clock, trace },
        this.#ports,
      );
      const place = this.#running.add(running, live);
      const lift = limit === undefined ? undefined : impose(limit, running);
      const result = await running.done;
      this.#running.delete(place);
      lift?.();
      const end = account();
      const failure = result.failure?.code ?? end.failure;
      settled(result, { ...end, failure, queueMs: 0 }, artifact.manifest.fuelModel);
      return { ...result, invocationId };
    });
  }

  /** An event of an isolated tenant: its process runs it and says what came of it. */
  deliverIsolated(
    route: LiveRoute,
    process: NonNullable<LiveRoute['process']>,
    cause: OwnCause,
    invocation: EventInvocation,
  ): Promise<EventOutcome> {
    return this.#onOwnAccount(route, cause, undefined, (whole) =>
      this.#ports.isolated.deliver({ process, live: route.live, cause: whole }, invocation),
    );
  }

  async #onOwnAccount<T>(
    route: LiveRoute,
    { invocationId = randomUUIDv7() as InvocationId, parent, handedTrace, ...rest }: OwnCause,
    untilGone: (() => AbortSignal) | undefined,
    work: (cause: InvocationCause, settled: Settled) => Promise<T>,
  ): Promise<T> {
    const trace =
      handedTrace === undefined ? this.#ports.trace(parent) : this.#ports.resumeTrace(handedTrace);
    const cause = { ...rest, invocationId, trace };
    this.#calls++;
    try {
      const place = this.#enter(route, untilGone);
      if (place instanceof MayflyError) throw place;
      return await this.#inPlace(route, cause, place, (settled) => work(cause, settled));
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#onIdle?.();
    }
  }

  /** In its place: as few functions that wait as can be, since each costs every request a promise and a turn. */
  async #serve(call: Call, route: LiveRoute, place: Place): Promise<void> {
    const { options, invocationId, trace } = call;
    const { live } = route;
    const cause: InvocationCause = {
      invocationId,
      trigger: options.trigger === 'http' ? 'http' : 'invoke',
      trace,
    };
    let hasLeft = false;
    let isRecorded = route.process !== undefined;
    try {
      if (route.process !== undefined) {
        await this.#handOver(call, cause, route, route.process);
        return;
      }
      const found = this.#artifactOf(route);
      const artifact = found instanceof Promise ? await found : found;
      const served = new ServedCall(call, route, artifact, this.#ports, this.#hold);
      const running = this.#running.add(served.running, live);
      const result = await served.running.done;
      this.#running.delete(running);
      // The caller may call again as soon as it has its answer.
      hasLeft = true;
      place.leave(result.fuel);
      if (this.#calls > 1) await this.#ports.stages.toAnswer();
      const end = served.finish(result);
      isRecorded = true;
      this.#settled(live, cause, artifact.manifest.fuelModel, useOf(cause, result, end), end.http);
    } catch (error) {
      if (!isRecorded) this.#settled(live, cause, '', useOfFailure(cause, error));
      throw error;
    } finally {
      // In a process of its tenant's own, each time would be paid for.
      if (!hasLeft) place.leave(0);
    }
  }

  #artifactOf({ live }: LiveRoute): LoadedArtifact | Promise<LoadedArtifact> {
    return this.#ports.artifact(live.artifactKey);
  }

  /** What it takes is told by its process. */
  #handOver(
    call: Call,
    cause: InvocationCause,
    { live }: LiveRoute,
    process: NonNullable<LiveRoute['process']>,
  ): Promise<void> {
    const { options, passage, incoming, outgoing } = call;
    const { trigger, method, pathWithQuery, scriptName } = options;
    return this.#ports.isolated.call(
      { process, live, cause },
      {
        kind: 'request',
        trigger,
        method,
        pathWithQuery,
        scriptName,
        queuedMs: performance.now() - call.arrivedMs,
        isUrl: options.url !== undefined,
        isSandboxed: options.isSandboxed ?? false,
        hidden: [...passage.hidden],
        added: passage.added.map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const),
      },
      incoming,
      outgoing,
    );
  }

  /**
   * Runs `work` in one of the function's places; it says how it ended and what it took. What a process of the tenant's own
   * runs is told by that, and where it cannot by `isolated`: nothing of it is recorded here.
   */
  async #inPlace<T>(
    route: LiveRoute,
    cause: InvocationCause,
    entered: Place | Promise<Place>,
    work: (settled: Settled) => Promise<T>,
  ): Promise<T> {
    const { live } = route;
    const place = entered instanceof Promise ? await entered : entered;
    let fuel = 0;
    let isRecorded = route.process !== undefined;
    try {
      return await work((result, end, fuelModel) => {
        fuel = result.fuel;
        isRecorded = true;
        this.#settled(live, cause, fuelModel, useOf(cause, result, end), end.http);
      });
    } catch (error) {
      if (!isRecorded) this.#settled(live, cause, '', useOfFailure(cause, error));
      throw error;
    } finally {
      place.leave(fuel);
    }
  }

  #enter(route: LiveRoute, untilGone: (() => AbortSignal) | undefined): Place | Promise<Place> | MayflyError {
    const note = (error: unknown): void =>
      this.#ports.refused(route.live, error instanceof MayflyError ? error.code : 'internal_error');
    const entered = this.#ports.gate.enter(route, untilGone);
    if (entered instanceof MayflyError) note(entered);
    if (!(entered instanceof Promise)) return entered;
    return entered.catch((error: unknown) => {
      note(error);
      throw error;
    });
  }

  /** An invocation that got a place is over: its record, and its span if its trace is recorded. */
  #settled(
    live: LiveFunction,
    cause: InvocationCause,
    fuelModel: string,
    use: InvocationUse,
    http?: InvocationEnd['http'],
  ): void {
    this.#ports.usage(live, fuelModel, use);
    const { trace, links } = cause;
    if (trace?.isRecorded) this.#ports.traced({ live, trace, use, links, http });
  }

  async #holdBack(delayMs: number): Promise<void> {
    const { refusals } = this.#ports;
    refusals.hold();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    refusals.release();
  }
}
