/** Events for one function, run on this thread as a serving thread runs them. */
import { EventDeliveries } from '../../host/front-door/event-deliveries.ts';
import { Gate, type LiveRoute } from '../../host/front-door/gate.ts';
import { Invoker } from '../../host/front-door/invoker.ts';
import { IsolatedCalls } from '../../host/front-door/isolated-calls.ts';
import { Stages } from '../../host/front-door/stages.ts';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import { choosePolicy } from '../../host/instance/rewind/rewind-policy.ts';
import type { RoadWish } from '../../host/instance/rewind/road.ts';
import { Slots } from '../../host/instance/slots.ts';
import { REFUSALS } from '../../host/limits/limits.ts';
import { spanOf } from '../../host/model/ended-invocation.ts';
import type { EventDelivery, EventOutcome } from '../../host/model/event-invocation.ts';
import { defaultConfiguration, type FunctionConfiguration } from '../../host/model/function-configuration.ts';
import type { FunctionName, MessageId, TenantName } from '../../host/model/ids.ts';
import type { InvocationSpan } from '../../host/model/invocation-span.ts';
import type { QueueMessage } from '../../host/model/queue-message.ts';
import { defaultTenantSettings } from '../../host/model/tenant.ts';
import { NO_TRACING, type TraceSampling } from '../../host/model/trace-sampling.ts';
import { Admission } from '../../host/scheduler/admission.ts';
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { QuotaTable } from '../../host/scheduler/quota-table.ts';
import { RefusalPace } from '../../host/scheduler/refusal-pace.ts';
import { WaitingRoom } from '../../host/scheduler/waiting-room.ts';
import { SystemClock } from '../../host/wasi/clocks/system-clock.ts';
import { Tracing } from '../../host/worker/tracing.ts';
import { enginePorts } from './engine-ports.ts';
import { OPEN_COLUMN, openQuotas } from './open-quotas.ts';
import { UNWATCHED_NOTE } from './unwatched-note.ts';

const tenant = 'acme' as TenantName;
const name = 'worker' as FunctionName;

export const SENT_AT_MS = 1_700_000_000_000;
export const DUE_AT_MS = SENT_AT_MS + 60_000;
export const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export function message(
  id: string,
  body: string | Uint8Array,
  rest: Partial<QueueMessage> = {},
): QueueMessage {
  return {
    id: id as MessageId,
    body: Buffer.from(body as string),
    contentType: 'application/octet-stream',
    attributes: {},
    sentAtMs: SENT_AT_MS,
    attempts: 1,
    ...rest,
  };
}

/** A batch of these bodies, with the ids `m0`, `m1` and so on. */
export function batch(...bodies: readonly (string | Uint8Array)[]): EventDelivery {
  return { kind: 'batch', source: 'orders', messages: bodies.map((body, i) => message(`m${i}`, body)) };
}

export function event(body: string, rest: Partial<QueueMessage> = {}): EventDelivery {
  return { kind: 'event', message: message('e0', body, rest) };
}

export function tick(input: string, rest: Partial<QueueMessage> = {}): EventDelivery {
  return {
    kind: 'tick',
    schedule: 'nightly',
    scheduledAtMs: DUE_AT_MS,
    cron: '0 3 * * *',
    message: message('t0', input, rest),
  };
}

export interface EventServingOptions {
  readonly road?: RoadWish;
  readonly configuration?: Partial<FunctionConfiguration>;
  readonly sampling?: TraceSampling;
}

export class EventServing {
  readonly log: string[] = [];
  readonly reports: string[] = [];
  readonly spans: InvocationSpan[] = [];
  readonly table: QuotaTable;
  readonly invoker: Invoker;
  readonly slots: Slots;
  isDraining = false;
  route: LiveRoute | undefined;
  readonly #deliveries: EventDeliveries;

  constructor(
    artifact: LoadedArtifact | Error,
    { road = 'auto', configuration, sampling = NO_TRACING }: EventServingOptions = {},
  ) {
    this.table = new QuotaTable(openQuotas(1));
    const admission = new Admission(this.table, 0, {
      monotonicMs: () => performance.now(),
      wallMs: () => SENT_AT_MS,
    });
    this.slots = new Slots({
      policy: choosePolicy(road),
      note: UNWATCHED_NOTE,
      budgetBytes: 2 ** 30,
      maxIdle: 100,
      later: setImmediate,
      soon: process.nextTick,
      nowMs: () => 0,
    });
    this.route = {
      live: {
        tenant,
        name,
        generation: 1,
        version: 1,
        artifactKey: 'key',
        handler: artifact instanceof Error ? 'wasi:cli/run@0.2' : artifact.manifest.handler,
        configuration: { ...defaultConfiguration(), ...configuration },
      },
      tenant: { settings: defaultTenantSettings() },
      tenantColumn: OPEN_COLUMN,
      functionColumn: OPEN_COLUMN,
    };
    const tracing = new Tracing(sampling);
    const resolve = (): LiveRoute | undefined => this.route;
    const isDraining = (): boolean => this.isDraining;
    const clock = new SystemClock();
    this.invoker = new Invoker({
      ...enginePorts({ slots: this.slots, clock, log: ({ message: text }) => void this.log.push(text) }),
      stages: new Stages({ ...EVENT_LOOP, nowMs: () => performance.now(), isComputing: () => false }),
      clockOf: () => clock,
      resolve,
      artifact: () => {
        if (artifact instanceof Error) throw artifact;
        return artifact;
      },
      outbound: () => ({ send: () => Promise.reject(new Error('nothing is sent')) }),
      isolated: new IsolatedCalls({ onLost: () => {}, onOverdue: () => {}, onUntold: () => {} }),
      gate: new Gate(admission, new WaitingRoom(this.table, admission)),
      usage: () => {},
      trace: (cause) => tracing.begin(cause),
      resumeTrace: (handed) => tracing.resume(handed),
      traced: (invocation) => void this.spans.push(spanOf(invocation)),
      refused: () => {},
      refusals: new RefusalPace({ ...REFUSALS, rate: REFUSALS, monotonicMs: () => performance.now() }),
      isDraining,
    });
    this.#deliveries = new EventDeliveries({
      invoker: this.invoker,
      resolve,
      isDraining,
      nowMs: () => SENT_AT_MS,
      report: (text, error) => void this.reports.push(`${text}: ${String(error)}`),
    });
  }

  deliver(delivery: EventDelivery, traceparent?: string): Promise<EventOutcome> {
    return this.#deliveries.deliver({
      tenant,
      name,
      delivery,
      ...(traceparent === undefined ? {} : { traceparent }),
    });
  }

  /** Until no slot is in use: the next event finds a rewound one. */
  async idle(): Promise<void> {
    do await new Promise(setImmediate);
    while (this.slots.counts.busy > 0);
    await new Promise(setImmediate);
  }

  [Symbol.dispose](): void {
    this.slots.dispose();
  }
}
