import type { ArtifactManifest, EventHandlerName } from '../model/artifact.ts';

/** Functions of one interface of a guest, by name. */
export type Handler = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** What the host may call of an instance: functions of its handler's interface, and the one of each event handler. */
export interface GuestExports {
  readonly exports: Handler;
  readonly eventExports: Readonly<Partial<Record<EventHandlerName, Handler[string]>>>;
}

/** @param exports as jco's glue names them */
export function gluedExports(
  exports: Readonly<Record<string, Handler>>,
  { exportKey, eventHandlers }: ArtifactManifest,
): GuestExports {
  const keys = Object.entries(eventHandlers);
  const eventExports = Object.fromEntries(keys.map(([name, key]) => [name, exports[key]?.['handle']]));
  return { exports: exports[exportKey]!, eventExports };
}
