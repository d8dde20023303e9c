/** What the routes of the control plane need from the thread that serves them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionLimitValues } from '../limits/limits.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { InstanceFacts } from '../model/instance-facts.ts';
import type { StoredLogRecord } from '../store/log-store.ts';
import type { Authenticate } from './authentication.ts';
import type { ControlBackend } from './backend.ts';
import type { FunctionReference } from './references.ts';

/** Tells `listener` of a function's new records, in order of their ids, until the returned call. */
export type FollowLogs = (
  tenant: TenantName,
  name: FunctionName,
  listener: (record: StoredLogRecord) => void,
) => () => void;

export interface ControlPlanePorts {
  readonly backend: ControlBackend;
  readonly authenticate: Authenticate;
  /** Opens `/metrics` and nothing else; the operator's key does, too. */
  readonly scrapeToken?: string;
  /** Uploads lie here until they are published; the folder exists. */
  readonly stagingDir: string;
  /** Bound of one upload. */
  readonly componentBytes: number;
  /** Bound of one JSON body; HOST_LIMITS.jsonBodyBytes where absent. */
  readonly jsonBodyBytes?: number;
  /** The operator's, to name the range to whoever asks for more than any host allows. */
  readonly ceilings: FunctionLimitValues;
  /** The address under which a function answers; `origin` is how this caller reached the host. */
  readonly functionUrl: (tenant: TenantName, name: FunctionName, origin: string) => string;
  /** Where a trace can be looked at, with `{trace_id}` in it. */
  readonly traceUrl?: string | undefined;
  /**
   * Calls a function with the request as its event and answers, with a problem where it has to; never rejects
   * on purpose. It gets the wire's own objects, so that headers stay as they were sent and bodies stream.
   * What the function must not see of the request (the key) is for the port to hide.
   */
  readonly invoke: (
    reference: FunctionReference,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) => Promise<void>;
  /** What this thread knows of the live version's instances; undefined where it cannot load the artifact. */
  readonly instancesOf: (reference: FunctionReference) => Promise<InstanceFacts | undefined>;
  readonly followLogs: FollowLogs;
  /** Aborted when the host stops: no more changes or invocations, and logs that are followed end. */
  readonly draining: AbortSignal;
  /** For the host's log: what should not have happened. Its text reaches no caller. */
  readonly report: (message: string, error: unknown) => void;
}
