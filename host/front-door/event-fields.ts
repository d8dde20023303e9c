/**
 * What comes with an event that is handed over as a request or on standard input: header fields of the request, the same in
 * capitals as variables of a command's environment.
 */
import type { EventInvocation } from '../model/event-invocation.ts';

type Field = readonly [name: string, value: string];

/** Attributes of a single event that are passed on: CloudEvents in binary mode, and the rest of the trace context. */
const PASSED_ON = /^(?:ce-[a-z0-9]+|tracestate)$/;

export function eventFields({ delivery, traceparent }: EventInvocation): Field[] {
  const fields: Field[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') fields.push([name, printable(value)]);
  };
  if (delivery.kind === 'batch') {
    add('mayfly-trigger', 'queue');
    add('mayfly-source', delivery.source);
    add('traceparent', traceparent);
    return fields;
  }
  const { message } = delivery;
  add('mayfly-trigger', delivery.kind === 'tick' ? 'schedule' : 'event');
  if (delivery.kind === 'tick') {
    add('mayfly-schedule', delivery.schedule);
    add('mayfly-scheduled-at', new Date(delivery.scheduledAtMs).toISOString());
  }
  add('mayfly-idempotency-key', message.id);
  add('mayfly-attempt', `${message.attempts}`);
  add('traceparent', traceparent ?? message.attributes['traceparent']);
  for (const [name, value] of Object.entries(message.attributes)) if (PASSED_ON.test(name)) add(name, value);
  return fields;
}

/** `mayfly-attempt` -> `MAYFLY_ATTEMPT`. TRACEPARENT is what OpenTelemetry reads in an environment. */
export function asVariables(fields: readonly Field[]): [string, string][] {
  return fields.map(([name, value]) => [name.toUpperCase().replaceAll('-', '_'), value]);
}

/** A field's value holds printable ASCII; the rest is percent-encoded, as CloudEvents' HTTP binding has it (3.1.3.2). */
export function printable(value: string): string {
  return value.toWellFormed().replace(/[^\x20-\x7e]/gu, (char) => encodeURIComponent(char));
}
