/** Hands the messages of a run to a serving thread, and takes what came of them. */
import {
  CRON_ATTRIBUTE,
  SCHEDULE_ATTRIBUTE,
  SCHEDULED_AT_ATTRIBUTE,
  TRACEPARENT_ATTRIBUTE,
} from '../model/event-attributes.ts';
import type { EventDelivery, EventOutcome } from '../model/event-invocation.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { QueueMessage } from '../model/queue-message.ts';
import type { Deliver, Report, TriggerClock } from './ports.ts';
import type { Ran } from './run-outcome.ts';

/** What a consumer feeds: a function, from a queue or stream of that name or from its own event queue. */
export interface BatchTarget {
  readonly tenant: TenantName;
  /** Of the tenant. */
  readonly generation: number;
  readonly name: FunctionName;
  /** Absent for the function's own event queue: its messages come one by one, as they are. */
  readonly source?: string;
}

export type Refusal = EventOutcome & { readonly kind: 'refused' };

/** A serving thread that says nothing for so long after the function's timeout never will. */
const SILENCE_MS = 120_000;

/** For the operator. */
export function nameOf({ tenant, name, source }: BatchTarget): string {
  return source === undefined ? `${tenant}/${name}` : `${tenant}/${name} from ${source}`;
}

/** Undefined when `abandoned` comes first. Never rejects. */
export async function deliverRun(
  ports: { readonly deliver: Deliver; readonly clock: TriggerClock; readonly report: Report },
  target: BatchTarget,
  messages: readonly QueueMessage[],
  timeoutMs: number,
  abandoned: Promise<'abandoned'>,
): Promise<Ran | Refusal | undefined> {
  const { clock, deliver, report } = ports;
  const { tenant, name } = target;
  const traceparent = messages[0]!.attributes[TRACEPARENT_ATTRIBUTE];
  const silence = Promise.withResolvers<'silent'>();
  const cancel = clock.after(timeoutMs + SILENCE_MS, () => silence.resolve('silent'));
  try {
    const outcome = await Promise.race([
      deliver({
        tenant,
        name,
        delivery: deliveryOf(target, messages),
        ...(traceparent === undefined ? {} : { traceparent }),
      }),
      silence.promise,
      abandoned,
    ]);
    if (outcome === 'abandoned') return undefined;
    return outcome === 'silent' ? lost('The serving thread did not say what came of it.') : outcome;
  } catch (error) {
    report(`an event for ${nameOf(target)} was not delivered`, error);
    return lost('The event could not be handed to a serving thread.');
  } finally {
    cancel();
  }
}

function deliveryOf({ source }: BatchTarget, messages: readonly QueueMessage[]): EventDelivery {
  if (source !== undefined) return { kind: 'batch', source, messages };
  const message = messages[0]!;
  const {
    [SCHEDULE_ATTRIBUTE]: schedule,
    [SCHEDULED_AT_ATTRIBUTE]: at,
    [CRON_ATTRIBUTE]: cron,
  } = message.attributes;
  const scheduledAtMs = Number(at);
  if (schedule === undefined || at === undefined || !Number.isSafeInteger(scheduledAtMs))
    return { kind: 'event', message };
  return { kind: 'tick', schedule, scheduledAtMs, message, ...(cron === undefined ? {} : { cron }) };
}

function lost(detail: string): Ran {
  return { kind: 'failed', cause: { code: 'worker_lost', detail } };
}
