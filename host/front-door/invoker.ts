/**
 * From a request to the end of its invocation: resolve, admit, run, answer. HTTP requests to a
 * function's URL and events through the API take the same way.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import { type EnginePorts, type InvocationResult, RunningInvocation } from '../instance/engine.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { RefusalPace } from '../scheduler/refusal-pace.ts';
import type { OutboundHttp } from '../wasi/context.ts';
import { NodeExchange, sendProblem } from './exchange.ts';
import type { Gate, LiveRoute } from './gate.ts';

export interface InvokerPorts extends EnginePorts {
  /** The live version, or undefined if there is no such function. */
  resolve(tenant: TenantName, name: FunctionName): LiveRoute | undefined | Promise<LiveRoute | undefined>;
  artifact(key: string): LoadedArtifact | Promise<LoadedArtifact>;
  outbound(route: LiveRoute): OutboundHttp;
  readonly gate: Gate;
  readonly refusals: RefusalPace;
  isDraining(): boolean;
}

export interface CallOptions {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly trigger: 'http' | 'event';
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scriptName: string;
  readonly hidden: ReadonlySet<string>;
}

export class Invoker {
  readonly #ports: InvokerPorts;
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
      await this.#admitted(options, route, invocationId, arrivedMs, incoming, outgoing);
    } catch (error) {
      if (isOverQuota(error)) await this.#holdBack(options.tenant);
      if (!outgoing.headersSent) {
        sendProblem(incoming, outgoing, error, [['mayfly-invocation-id', invocationId]], invocationId);
      }
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
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

  async #admitted(
    options: CallOptions,
    route: LiveRoute,
    invocationId: InvocationId,
    arrivedMs: number,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const { live } = route;
    const entered = this.#ports.gate.enter(route, () => untilClosed(outgoing));
    const place = entered instanceof Promise ? await entered : entered;
    let fuel = 0;
    try {
      const found = this.#ports.artifact(live.artifactKey);
      const artifact = found instanceof Promise ? await found : found;
      fuel = await this.#run(options, route, artifact, invocationId, arrivedMs, incoming, outgoing);
    } finally {
      place.leave(fuel);
    }
  }

  /** Gives the fuel that it used. */
  async #run(
    options: CallOptions,
    route: LiveRoute,
    artifact: LoadedArtifact,
    invocationId: InvocationId,
    arrivedMs: number,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<number> {
    const { live } = route;
    let running: RunningInvocation | undefined;
    const exchange = new NodeExchange({
      incoming,
      outgoing,
      invocationId,
      configuration: live.configuration,
      method: options.method,
      pathWithQuery: options.pathWithQuery,
      hidden: options.hidden,
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
        trigger: options.trigger,
        scriptName: options.scriptName,
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
    this.#answer(exchange, result, queueMs);
    return result.fuel;
  }

  #answer(exchange: NodeExchange, result: InvocationResult, queueMs: number): void {
    const late: [string, string][] = [
      ['mayfly-fuel', String(result.fuel)],
      ['server-timing', serverTiming(queueMs, result)],
    ];
    const { failure } = result;
    const error =
      failure === undefined ? exchange.finish(late) : new MayflyError(failure.code, failure.detail);
    if (error !== undefined) exchange.fail(error, late);
  }
}

function isOverQuota(error: unknown): boolean {
  return error instanceof MayflyError && error.quota !== undefined;
}

/** W3C Server-Timing; durations in milliseconds. */
function serverTiming(admissionMs: number, { execMs, initMs, queueMs: turnMs }: InvocationResult): string {
  const queueMs = admissionMs + turnMs;
  return `queue;dur=${queueMs.toFixed(3)}, init;dur=${initMs.toFixed(3)}, exec;dur=${execMs.toFixed(3)}`;
}

/** Aborts when the caller hangs up. */
function untilClosed(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (outgoing.destroyed) controller.abort();
  else outgoing.once('close', () => controller.abort());
  return controller.signal;
}
