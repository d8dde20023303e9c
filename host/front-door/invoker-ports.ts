import type { ErrorCode } from '../errors/errors.ts';
import type { LoadedArtifact } from '../instance/artifact.ts';
import type { EnginePorts } from '../instance/engine.ts';
import type { EndedInvocation } from '../model/ended-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { HandedTrace, InvocationTrace } from '../model/invocation-trace.ts';
import type { TraceContext } from '../model/trace-context.ts';
import type { InvocationUse } from '../model/usage-record.ts';
import type { RefusalPace } from '../scheduler/refusal-pace.ts';
import type { Clock, OutboundHttp } from '../wasi/context.ts';
import type { Gate, LiveRoute } from './gate.ts';
import type { IsolatedCalls } from './isolated-calls.ts';
import type { Stages } from './stages.ts';

/** What a thread, or the process of an isolated tenant, lends to its invoker. */
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
  readonly stages: Stages;
  /** Hears once of every invocation that got a place, after it has been answered. */
  usage(live: LiveFunction, fuelModel: string, use: InvocationUse): void;
  /** The trace of a call whose cause has this context; undefined where there is nothing to pass on. */
  trace(cause: TraceContext | undefined): InvocationTrace | undefined;
  /** One that was begun elsewhere. */
  resumeTrace(handed: HandedTrace): InvocationTrace;
  /** Hears of every invocation whose trace is recorded. */
  traced(invocation: EndedInvocation): void;
  /** Hears of every call of a function that got no place. */
  refused(live: LiveFunction, code: ErrorCode): void;
  isDraining(): boolean;
}
