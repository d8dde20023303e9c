/**
 * From a request to the end of its invocation: resolve, admit, run, answer. HTTP requests to a
 * function's URL and events through the API take the same way.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import { type EnginePorts, type InvocationResult, RunningInvocation } from '../instance/engine.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { TenantClock } from '../model/tenant.ts';
import type { RefusalPace } from '../scheduler/refusal-pace.ts';
import type { Clock, HeaderList, OutboundHttp } from '../wasi/context.ts';
import type { Call, CallOptions, OwnCall, OwnResult, Question, Terminate } from './call.ts';
import { corsFields, type Fields, isPreflight, preflightFields } from './cors.ts';
import { type EventAnswer, EventExchange } from './event-exchange.ts';
import { NodeExchange, sendProblem } from './exchange.ts';
import type { Gate, LiveRoute } from './gate.ts';
import { Hold } from './hold.ts';
import type { IsolatedCalls } from './isolated-calls.ts';
import { HOLD_MS } from './response-sink.ts';
import { serverTiming } from './server-timing.ts';

export interface InvokerPorts extends EnginePorts {
  /** The live version, or undefined if there is no such function. */
  resolve(tenant: TenantName, name: FunctionName): LiveRoute | undefined | Promise<LiveRoute | undefined>;
  artifact(key: string): LoadedArtifact | Promise<LoadedArtifact>;
  outbound(route: LiveRoute): OutboundHttp;
  clockOf(route: LiveRoute): Clock;
  readonly gate: Pick<Gate, 'enter' | 'close'>;
  /** For functions that run in a process of their tenant's own. */
  readonly isolated: IsolatedCalls;
  readonly refusals: RefusalPace;
  isDraining(): boolean;
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
    this.#ports.isolated.cancelAll(new MayflyError(code, detail));
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
    const invocationId = options.invocationId ?? (randomUUIDv7() as InvocationId);
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
      const payer = payerOf(error, options.tenant, incoming);
      if (payer !== undefined) await this.#holdBack(payer);
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
  async ask(route: LiveRoute, question: Question, gone: AbortSignal): Promise<EventAnswer> {
    const { event, contentType, maxAnswerBytes, timeoutMs } = question;
    const { process } = route;
    if (process !== undefined) {
      return this.#onOwnAccount(
        route,
        () => gone,
        () => this.#ports.isolated.ask(process, question, route.live, gone),
      );
    }
    let exchange: EventExchange | undefined;
    const { failure } = await this.run(
      route,
      () => gone,
      (_artifact, terminate) => {
        exchange = new EventExchange({ event, contentType, maxAnswerBytes, terminate });
        return { exchange, limit: { gone, timeoutMs } };
      },
    );
    if (failure !== undefined) throw new MayflyError(failure.code, failure.detail);
    if (exchange?.answer !== undefined) return exchange.answer;
    throw new MayflyError('no_response', 'The function returned without a complete answer.');
  }

  /**
   * An invocation on the host's own account, in one of the function's places.
   * @param untilGone as the gate has it
   * @param prepare what it is called with, once it has a place
   * @throws MayflyError why it was not run
   */
  async run(
    route: LiveRoute,
    untilGone: (() => AbortSignal) | undefined,
    prepare: (artifact: LoadedArtifact, terminate: Terminate) => OwnCall,
  ): Promise<OwnResult> {
    return this.#onOwnAccount(route, untilGone, async (burnt) => {
      const artifact = await this.#artifactOf(route);
      let running: RunningInvocation | undefined;
      const { limit, ...call } = prepare(artifact, (code, detail) => {
        running?.cancel(code, detail);
        return new MayflyError(code, detail);
      });
      const { live } = route;
      const invocationId = randomUUIDv7() as InvocationId;
      const outbound = this.#ports.outbound(route);
      const clock = this.#ports.clockOf(route);
      running = new RunningInvocation(
        { ...call, invocationId, live, artifact, trigger: 'event', scriptName: '', outbound, clock },
        this.#ports,
      );
      this.#invocations.set(running, live);
      const lift = limit === undefined ? undefined : impose(limit, running);
      const result = await running.done;
      burnt(result.fuel);
      this.#invocations.delete(running);
      lift?.();
      return { ...result, invocationId };
    });
  }

  /** An event of an isolated tenant: its process runs it and says what came of it. */
  deliverIsolated(
    route: LiveRoute,
    process: NonNullable<LiveRoute['process']>,
    invocation: EventInvocation,
  ): Promise<EventOutcome> {
    return this.#onOwnAccount(route, undefined, () =>
      this.#ports.isolated.deliver(process, invocation, route.live),
    );
  }

  async #onOwnAccount<T>(
    route: LiveRoute,
    untilGone: (() => AbortSignal) | undefined,
    work: (burnt: (fuel: number) => void) => Promise<T>,
  ): Promise<T> {
    this.#running++;
    try {
      return await this.#inPlace(route, untilGone, work);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #admitted(call: Call, route: LiveRoute): Promise<void> {
    await this.#inPlace(
      route,
      () => untilClosed(call.outgoing),
      async (burnt) => {
        if (route.process !== undefined) return this.#handOver(call, route, route.process);
        const found = this.#artifactOf(route);
        await this.#run(call, route, found instanceof Promise ? await found : found, burnt);
      },
    );
  }

  #artifactOf({ live }: LiveRoute): LoadedArtifact | Promise<LoadedArtifact> {
    return this.#ports.artifact(live.artifactKey);
  }

  /** The fuel it takes is told by its process. */
  #handOver(call: Call, { live }: LiveRoute, process: NonNullable<LiveRoute['process']>): Promise<void> {
    const { invocationId, trigger, method, pathWithQuery, scriptName } = call;
    const handed = { invocationId, trigger, method, pathWithQuery, scriptName, name: live.name } as const;
    return this.#ports.isolated.call(
      process.socketPath,
      {
        ...handed,
        kind: 'request',
        count: process.count,
        isUrl: call.url !== undefined,
        hidden: [...call.hidden],
        added: call.added.map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const),
      },
      live,
      call.incoming,
      call.outgoing,
    );
  }

  /** Runs `work` in one of the function's places; it says what fuel it took. */
  async #inPlace<T>(
    route: LiveRoute,
    untilGone: (() => AbortSignal) | undefined,
    work: (burnt: (fuel: number) => void) => Promise<T>,
  ): Promise<T> {
    const entered = this.#ports.gate.enter(route, untilGone);
    const place = entered instanceof Promise ? await entered : entered;
    let fuel = 0;
    try {
      return await work((burnt) => {
        fuel = burnt;
      });
    } finally {
      place.leave(fuel);
    }
  }

  /** @param payer whose refusals keep one pace */
  async #holdBack(payer: string): Promise<void> {
    const { refusals } = this.#ports;
    const delayMs = refusals.delayMs(payer);
    if (delayMs === 0 || this.#ports.isDraining()) return;
    refusals.hold();
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    refusals.release();
  }

  async #run(
    call: Call,
    route: LiveRoute,
    artifact: LoadedArtifact,
    burnt: (fuel: number) => void,
  ): Promise<void> {
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
        clock: this.#ports.clockOf(route),
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
    burnt(result.fuel);
    this.#answer(exchange, result, queueMs, route.tenant.settings.clock);
  }

  #answer(exchange: NodeExchange, result: InvocationResult, queueMs: number, clock: TenantClock): void {
    const late: [string, string][] = [
      ['mayfly-fuel', String(result.fuel)],
      ['server-timing', serverTiming(queueMs, result, clock)],
    ];
    const { failure } = result;
    const error =
      failure === undefined ? exchange.finish(late) : new MayflyError(failure.code, failure.detail);
    if (error !== undefined) exchange.fail(error, late);
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

/**
 * Who is told at a pace, not as fast as it asks: a tenant that is over its quota, and an address that asks for functions
 * that are not there, each of which is a question to the main thread. No tenant's name has a space.
 */
function payerOf(error: unknown, tenant: TenantName, { socket }: IncomingMessage): string | undefined {
  if (!(error instanceof MayflyError)) return undefined;
  if (error.quota !== undefined) return tenant;
  return error.code === 'function_not_found' ? `from ${socket.remoteAddress}` : undefined;
}
