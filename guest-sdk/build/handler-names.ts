import { readFile } from 'node:fs/promises';

/** The methods of a default export that are handlers, and what each becomes: the WIT interface, and its export in the bundle. */
export const HANDLERS = {
  fetch: {
    interface: 'wasi:http/handler@0.3.0',
    export: 'handler',
    module: 'serve',
    serve: 'serve',
  },
  queue: {
    interface: 'mayfly:events/queue-handler@0.1.0',
    export: 'queueHandler',
    module: 'serve-queue',
    serve: 'serveQueue',
  },
  scheduled: {
    interface: 'mayfly:events/schedule-handler@0.1.0',
    export: 'scheduleHandler',
    module: 'serve-schedule',
    serve: 'serveSchedule',
  },
} as const;

export type HandlerName = keyof typeof HANDLERS;
const NAMES = Object.keys(HANDLERS) as readonly HandlerName[];

/**
 * Which handlers a module seems to have, by its text. Only the module itself knows, once it has run, and it says so if
 * this is wrong: then it is built again, which takes twice as long and gives the same.
 */
export async function guessHandlers(entry: string): Promise<readonly HandlerName[]> {
  const text = await readFile(entry, 'utf8');
  const names = NAMES.filter((name) => new RegExp(`(?:^|[\\s{,])${name}\\s*[(:,}]`, 'm').test(text));
  return names.length === 0 ? ['fetch'] : names;
}

/** What the runtime's `assertHandlers` throws: the handlers that there are. Undefined for any other failure. */
export function handlersNamedBy(message: string): readonly HandlerName[] | undefined {
  const [, list] = /MAYFLY_HANDLERS ([a-z,]+)/.exec(message) ?? [];
  return list === undefined ? undefined : NAMES.filter((name) => list.split(',').includes(name));
}
