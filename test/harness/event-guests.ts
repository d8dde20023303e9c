/** Components that handle events: by the records of wit/mayfly-events.wit, as 0.2 tools lift them. */
import { readFile } from 'node:fs/promises';
import { watComponent } from './wat-guests.ts';

const SCHEDULE_HANDLER =
  /^ {2}\(func \(export "mayfly:events\/schedule-handler.*?^ {4}\(i32\.const 1024\)\)/ms;

/** `mayfly:events` as a package nested in another text. */
export async function eventsWit(): Promise<string> {
  const text = await readFile(new URL('../../wit/mayfly-events.wit', import.meta.url), 'utf8');
  return `${text.replace(/^(package [^;]+);/m, '$1 {')}\n}`;
}

/**
 * The guest of `event-guest.wat`.
 * @param handlers what it exports
 */
export async function eventGuest(handlers: 'queue' | 'queue and schedule'): Promise<Uint8Array> {
  const wat = await readFile(new URL('event-guest.wat', import.meta.url), 'utf8');
  if (handlers === 'queue') {
    return watComponent(
      wat.replace(SCHEDULE_HANDLER, ''),
      'export mayfly:events/queue-handler@0.1.0;',
      await eventsWit(),
    );
  }
  return watComponent(
    wat,
    'export mayfly:events/queue-handler@0.1.0; export mayfly:events/schedule-handler@0.1.0;',
    await eventsWit(),
  );
}

/** A component whose `queue-handler` has the name alone: its function is declared as the caller likes. */
export function mistypedGuest(type: string, core: string): Promise<Uint8Array> {
  const wat = `(module (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "mayfly:events/queue-handler@0.1.0#handle") ${core}))`;
  const wit = `package mayfly:events@0.1.0 { interface queue-handler { handle: ${type}; } }`;
  return watComponent(wat, 'export mayfly:events/queue-handler@0.1.0;', wit);
}
