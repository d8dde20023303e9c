import type { ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import type { DelayQueue } from '../instance/delay-queue.ts';
import { type InvocationResult, RunningInvocation } from '../instance/engine.ts';
import type { Call } from './call.ts';
import { NodeExchange } from './exchange.ts';
import type { LiveRoute } from './gate.ts';
import type { InvocationEnd } from './invocation-use.ts';
import type { InvokerPorts } from './invoker-ports.ts';
import { serverTiming } from './server-timing.ts';

/** A call through HTTP that has its place, while it runs: begun when it is made, and answered by `finish`. */
export class ServedCall {
  readonly running: RunningInvocation;
  readonly #call: Call;
  readonly #route: LiveRoute;
  readonly #exchange: NodeExchange;
  readonly #queueMs: number;
  readonly #outgoing: ServerResponse;
  readonly #hangUp = (): void => {
    if (!this.#outgoing.writableFinished)
      this.running.cancel('caller_gone', 'The caller closed the connection.');
  };

  /** @throws MayflyError what the head of the request already says against it */
  constructor(call: Call, route: LiveRoute, artifact: LoadedArtifact, ports: InvokerPorts, hold: DelayQueue) {
    const { options, passage, invocationId, trace, incoming, outgoing } = call;
    const { live } = route;
    this.#call = call;
    this.#route = route;
    this.#outgoing = outgoing;
    // Asked for from inside the invocation: it may be before `running` is there.
    let running: RunningInvocation | undefined;
    this.#exchange = new NodeExchange({
      incoming,
      outgoing,
      invocationId,
      configuration: live.configuration,
      hold,
      method: options.method,
      pathWithQuery: options.pathWithQuery,
      hidden: passage.hidden,
      trace: trace?.isNew ? trace.context : undefined,
      added: passage.added,
      responseFields: call.responseFields,
      isSandboxed: options.isSandboxed,
      terminate: (code, detail) => {
        running?.cancel(code, detail);
        return new MayflyError(code, detail);
      },
    });
    this.#queueMs = performance.now() - call.arrivedMs;
    running = new RunningInvocation(
      {
        invocationId,
        live,
        artifact,
        exchange: this.#exchange,
        trigger: options.trigger,
        scriptName: options.scriptName,
        outbound: ports.outbound(route),
        clock: ports.clockOf(route),
        trace,
      },
      ports,
    );
    this.running = running;
    outgoing.on('close', this.#hangUp);
    // Gone while the function was looked up or its artifact loaded: the event is over.
    if (outgoing.destroyed) this.#hangUp();
  }

  /** Answers the caller, with what the guest said or with why it did not. */
  finish(result: InvocationResult): InvocationEnd {
    const outgoing = this.#outgoing;
    outgoing.off('close', this.#hangUp);
    const failure = this.#answer(result);
    const { method, pathWithQuery } = this.#call.options;
    return {
      failure,
      queueMs: this.#queueMs,
      requestBytes: this.#exchange.body.bytes,
      responseBytes: this.#exchange.responseBytes,
      http: { method, path: pathWithQuery, status: outgoing.statusCode },
    };
  }

  /** Gives why it was not the function's answer, where it was not. */
  #answer(result: InvocationResult): ErrorCode | undefined {
    const late: [string, string][] = [
      ['mayfly-fuel', String(result.fuel)],
      ['server-timing', serverTiming(this.#queueMs, result, this.#route.tenant.settings.clock)],
    ];
    const { failure } = result;
    const error =
      failure === undefined ? this.#exchange.finish(late) : new MayflyError(failure.code, failure.detail);
    if (error !== undefined) this.#exchange.fail(error, late);
    return error?.code;
  }
}
