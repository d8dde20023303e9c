/**
 * From a request to the end of its invocation: resolve, admit, run, answer. HTTP requests to a
 * function's URL and events through the API take the same way.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import {
  type EnginePorts,
  type InvocationOptions,
  type InvocationResult,
  RunningInvocation,
} from '../instance/engine.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { InvocationUse, UsageTrigger } from '../model/usage-record.ts';
import type { RefusalPace } from '../scheduler/refusal-pace.ts';
import type { HeaderList, OutboundHttp } from '../wasi/context.ts';
import type { UrlRequest } from './authorizer.ts';
import { corsFields, type Fields, isPreflight, preflightFields } from './cors.ts';
import { type EventAnswer, EventExchange } from './event-exchange.ts';
import { NodeExchange, sendProblem } from './exchange.ts';
import type { Gate, LiveRoute } from './gate.ts';
import { Hold } from './hold.ts';
import { type InvocationCause, type InvocationEnd, useOf, useOfFailure } from './invocation-use.ts';
import { HOLD_MS } from './response-sink.ts';
import type { Passage } from './url-access.ts';

export interface InvokerPorts extends EnginePorts {
  /** The live version, or undefined if there is no such function. */
  resolve(tenant: TenantName, name: FunctionName): LiveRoute | undefined | Promise<LiveRoute | undefined>;
  artifact(key: string): LoadedArtifact | Promise<LoadedArtifact>;
  outbound(route: LiveRoute): OutboundHttp;
  readonly gate: Gate;
  readonly refusals: RefusalPace;
  /** Hears once of every invocation that got a place, after it has been answered. */
  usage(live: LiveFunction, fuelModel: string, use: InvocationUse): void;
  isDraining(): boolean;
}

/** What comes before a call through a function's URL. */
export interface UrlPolicy {
  /** @throws MayflyError if the request may not reach the function */
  admit(live: LiveFunction, request: UrlRequest, untilGone: () => AbortSignal): Passage | Promise<Passage>;
}

export interface CallOptions {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly trigger: 'http' | 'event';
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scriptName: string;
  /** What the function does not see of a request through the API; through its URL, the policy says it. */
  readonly hidden: ReadonlySet<string>;
  readonly url?: UrlPolicy;
}

/** A call as it runs: what the caller's options and the function's settings came to. */
interface Call extends CallOptions, Passage {
  readonly invocationId: InvocationId;
  readonly arrivedMs: number;
  readonly responseFields: Fields;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What the host asks of a function on its own account. */
export interface Question {
  readonly trigger: Exclude<UsageTrigger, 'http' | 'invoke' | 'unknown'>;
  readonly event: Uint8Array;
  readonly contentType: string;
  readonly maxAnswerBytes: number;
  /** The function's own timeoutMs may be shorter. */
  readonly timeoutMs: number;
}

/** How an invocation ended, and what it took; called once for each that began. */
type Settled = (result: InvocationResult, end: InvocationEnd) => void;

type Terminate = (code: ErrorCode, detail: string) => Error;

/** What is known of its end beside the engine's account. */
export type OwnAccount = Omit<InvocationEnd, 'queueMs'>;

/** What an invocation on the host's own account is called with. */
export interface OwnCall extends Pick<InvocationOptions, 'exchange' | 'event' | 'variables'> {
  /** For its usage record, once it has settled. */
  readonly account: () => OwnAccount;
  /** Beside the function's own limits. */
  readonly limit?: { readonly gone: AbortSignal; readonly timeoutMs: number };
}

export interface OwnResult extends InvocationResult {
  readonly invocationId: InvocationId;
}

const NO_FIELDS: Fields = [];
const NOTHING_ADDED: HeaderList = [];

export class Invoker {
  readonly #ports: InvokerPorts;
  readonly #hold = new Hold(HOLD_MS);
  #running = 0;
  readonly #invocations = new Map<RunningInvocation, LiveFunction>();
  #onIdle: (() => void) | undefined;

  constructor(ports: InvokerPorts) {
    this.#ports = ports;
  }

  /** Resolves when no invocation is running on this thread. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Ends whatever runs; each caller is answered, or its answer is broken off. */
  cancelAll(code: ErrorCode, detail: string): void {
    this.#ports.gate.close();
    for (const invocation of this.#invocations.keys()) invocation.cancel(code, detail);
  }

  /**
   * Ends the invocations of the tenant that has used the most fuel in those that run: host objects are made by host calls,
   * and these cost fuel. Gives the functions that it ended, none when nothing runs.
   */
  endHeaviest(code: ErrorCode, detail: string): LiveFunction[] {
    const fuelOf = new Map<TenantName, number>();
    for (const [{ fuel }, { tenant }] of this.#invocations) {
      fuelOf.set(tenant, (fuelOf.get(tenant) ?? 0) + fuel);
    }
    const [heaviest] = [...fuelOf].sort(([, a], [, b]) => b - a);
    const ended = new Set<LiveFunction>();
    for (const [invocation, live] of this.#invocations) {
      if (live.tenant !== heaviest?.[0]) continue;
      ended.add(live);
      invocation.cancel(code, detail);
      this.#invocations.delete(invocation);
    }
    return [...ended];
  }

  /** Answers the request itself, whatever happens; resolves once the invocation is over. */
  async call(options: CallOptions, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const arrivedMs = performance.now();
    const invocationId = randomUUIDv7() as InvocationId;
    let responseFields = NO_FIELDS;
    this.#running++;
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
          : url.admit(route.live, { incoming, invocationId, pathWithQuery }, () => untilClosed(outgoing));
      const passage = admitted instanceof Promise ? await admitted : admitted;
      const call = { ...options, ...passage, invocationId, arrivedMs, responseFields, incoming, outgoing };
      await this.#admitted(call, route);
    } catch (error) {
      if (isOverQuota(error)) await this.#holdBack(options.tenant);
      if (!outgoing.headersSent) {
        const fields = [['mayfly-invocation-id', invocationId] as const, ...responseFields];
        sendProblem(incoming, outgoing, error, fields, invocationId);
      }
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  /**
   * Calls a function on the host's own account. It takes a place, fuel and time as any call does.
   * @throws MayflyError what its invocation failed with, no_response for an incomplete answer
   */
  async ask(
    route: LiveRoute,
    { trigger, event, contentType, maxAnswerBytes, timeoutMs }: Question,
    gone: AbortSignal,
  ): Promise<EventAnswer> {
    let exchange: EventExchange | undefined;
    const { failure } = await this.run(
      route,
      { trigger },
      () => gone,
      (_artifact, terminate) => {
        exchange = new EventExchange({ event, contentType, maxAnswerBytes, terminate });
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
    cause: Omit<InvocationCause, 'invocationId'>,
    untilGone: (() => AbortSignal) | undefined,
    prepare: (artifact: LoadedArtifact, terminate: Terminate) => OwnCall,
  ): Promise<OwnResult> {
    const invocationId = randomUUIDv7() as InvocationId;
    this.#running++;
    try {
      return await this.#inPlace(route, { ...cause, invocationId }, untilGone, async (artifact, settled) => {
        let running: RunningInvocation | undefined;
        const { limit, account, ...call } = prepare(artifact, (code, detail) => {
          running?.cancel(code, detail);
          return new MayflyError(code, detail);
        });
        const { live } = route;
        const outbound = this.#ports.outbound(route);
        running = new RunningInvocation(
          { ...call, invocationId, live, artifact, trigger: 'event', scriptName: '', outbound },
          this.#ports,
        );
        this.#invocations.set(running, live);
        const lift = limit === undefined ? undefined : impose(limit, running);
        const result = await running.done;
        this.#invocations.delete(running);
        lift?.();
        const end = account();
        settled(result, { ...end, failure: result.failure?.code ?? end.failure, queueMs: 0 });
        return { ...result, invocationId };
      });
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #admitted(call: Call, route: LiveRoute): Promise<void> {
    await this.#inPlace(
      route,
      { invocationId: call.invocationId, trigger: call.trigger === 'http' ? 'http' : 'invoke' },
      () => untilClosed(call.outgoing),
      (artifact, settled) => this.#run(call, route, artifact, settled),
    );
  }

  /** Runs `work` in one of the function's places, with its artifact; it says how it ended and what it took. */
  async #inPlace<T>(
    route: LiveRoute,
    cause: InvocationCause,
    untilGone: (() => AbortSignal) | undefined,
    work: (artifact: LoadedArtifact, settled: Settled) => Promise<T>,
  ): Promise<T> {
    const { live } = route;
    const entered = this.#ports.gate.enter(route, untilGone);
    const place = entered instanceof Promise ? await entered : entered;
    let fuel = 0;
    let isRecorded = false;
    try {
      const found = this.#ports.artifact(live.artifactKey);
      const artifact = found instanceof Promise ? await found : found;
      return await work(artifact, (result, end) => {
        fuel = result.fuel;
        isRecorded = true;
        this.#ports.usage(live, artifact.manifest.fuelModel, useOf(cause, result, end));
      });
    } catch (error) {
      if (!isRecorded) this.#ports.usage(live, '', useOfFailure(cause, error));
      throw error;
    } finally {
      place.leave(fuel);
    }
  }

  /** Whoever is over its quota is told so at a pace, not as fast as it asks. */
  async #holdBack(tenant: TenantName): Promise<void> {
    const { refusals } = this.#ports;
    const delayMs = refusals.delayMs(tenant);
    if (delayMs === 0 || this.#ports.isDraining()) return;
    refusals.hold();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    refusals.release();
  }

  async #run(call: Call, route: LiveRoute, artifact: LoadedArtifact, settled: Settled): Promise<void> {
    const { live } = route;
    const { invocationId, arrivedMs, incoming, outgoing } = call;
    let running: RunningInvocation | undefined;
    const exchange = new NodeExchange({
      incoming,
      outgoing,
      invocationId,
      configuration: live.configuration,
      hold: this.#hold,
      method: call.method,
      pathWithQuery: call.pathWithQuery,
      hidden: call.hidden,
      added: call.added,
      responseFields: call.responseFields,
      terminate: (code, detail) => {
        running?.cancel(code, detail);
        return new MayflyError(code, detail);
      },
    });
    const queueMs = performance.now() - arrivedMs;
    running = new RunningInvocation(
      {
        invocationId,
        live,
        artifact,
        exchange,
        trigger: call.trigger,
        scriptName: call.scriptName,
        outbound: this.#ports.outbound(route),
      },
      this.#ports,
    );
    const hangUp = (): void => {
      if (!outgoing.writableFinished) running.cancel('caller_gone', 'The caller closed the connection.');
    };
    outgoing.once('close', hangUp);
    // Gone while the function was looked up or its artifact loaded: the event is over.
    if (outgoing.destroyed) hangUp();
    this.#invocations.set(running, live);
    const result = await running.done;
    this.#invocations.delete(running);
    outgoing.off('close', hangUp);
    const failure = this.#answer(exchange, result, queueMs);
    const requestBytes = exchange.body.bytes;
    settled(result, { failure, queueMs, requestBytes, responseBytes: exchange.responseBytes });
  }

  /** Gives why it was not the function's answer, where it was not. */
  #answer(exchange: NodeExchange, result: InvocationResult, queueMs: number): ErrorCode | undefined {
    const late: [string, string][] = [
      ['mayfly-fuel', String(result.fuel)],
      ['server-timing', serverTiming(queueMs, result)],
    ];
    const { failure } = result;
    const error =
      failure === undefined ? exchange.finish(late) : new MayflyError(failure.code, failure.detail);
    if (error !== undefined) exchange.fail(error, late);
    return error?.code;
  }
}

/** Ends it when nobody waits for it any more, or when it is late; until the returned call. */
function impose(
  { gone, timeoutMs }: NonNullable<OwnCall['limit']>,
  invocation: RunningInvocation,
): () => void {
  const hangUp = (): void => invocation.cancel('caller_gone', 'The caller closed the connection.');
  const late = setTimeout(() => {
    invocation.cancel('timed_out', `No complete answer within ${timeoutMs} ms.`);
  }, timeoutMs);
  gone.addEventListener('abort', hangUp);
  if (gone.aborted) hangUp();
  return () => {
    clearTimeout(late);
    gone.removeEventListener('abort', hangUp);
  };
}

/** Aborts when the caller hangs up. */
function untilClosed(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (outgoing.destroyed) controller.abort();
  else outgoing.once('close', () => controller.abort());
  return controller.signal;
}

function isOverQuota(error: unknown): boolean {
  return error instanceof MayflyError && (error.quota !== undefined || error.code === 'budget_exhausted');
}

/** W3C Server-Timing; durations in milliseconds. */
function serverTiming(admissionMs: number, { execMs, initMs, queueMs: turnMs }: InvocationResult): string {
  const queueMs = admissionMs + turnMs;
  return `queue;dur=${queueMs.toFixed(3)}, init;dur=${initMs.toFixed(3)}, exec;dur=${execMs.toFixed(3)}`;
}
