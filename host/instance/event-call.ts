/** A call of an event handler (wit/mayfly-events.wit), which takes a record and has no HTTP exchange. */
import { MayflyError } from '../errors/errors.ts';
import {
  type ArtifactManifest,
  EVENT_HANDLER_KINDS,
  type EventHandlerName,
  takesEventsOnly,
} from '../model/artifact.ts';

export interface EventCall {
  readonly handler: EventHandlerName;
  /** The record that it takes, its fields in camel case. */
  readonly argument: unknown;
  /** Hears what it returned: the guest's own values, of the types that the guest has declared. */
  readonly returned: (value: unknown) => void;
}

/** Longest text of a guest's error that is repeated. */
const DETAIL_LENGTH = 500;

/** @throws MayflyError handler_missing if the component cannot be called so: with an event, or without one by a request */
export function assertHandler({ handler, eventHandlers }: ArtifactManifest, event?: EventCall): void {
  if (event !== undefined && eventHandlers[event.handler] === undefined) {
    throw new MayflyError(
      'handler_missing',
      `The component does not export ${EVENT_HANDLER_KINDS[event.handler]}.`,
    );
  }
  if (event === undefined && takesEventsOnly(handler))
    throw new MayflyError('handler_missing', `The component exports ${handler}, and no handler of requests.`);
}

/** @throws MayflyError event_failed for the error case of its result; what trapped */
export async function serveEvent(
  { argument, returned }: EventCall,
  handle: (...args: unknown[]) => unknown,
): Promise<void> {
  let value: unknown;
  try {
    value = await handle(argument);
  } catch (error) {
    const text = errorText(error);
    if (text === undefined) throw error;
    throw new MayflyError('event_failed', text.slice(0, DETAIL_LENGTH));
  }
  returned(value);
}

/** Both roads throw the `err` case with its payload, but for jco's calls that are async: those throw the payload itself. */
function errorText(error: unknown): string | undefined {
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null || !('payload' in error)) return undefined;
  return typeof error.payload === 'string' ? error.payload : 'The handler returned an error.';
}
