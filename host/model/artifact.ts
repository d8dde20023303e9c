import type { Digest } from './ids.ts';
import type { ModuleState } from './module-state.ts';

/** What is called for events alone (wit/mayfly-events.wit), beside a component's handler or instead of one. */
export const EVENT_HANDLER_KINDS = {
  queue: 'mayfly:events/queue-handler@0.1',
  schedule: 'mayfly:events/schedule-handler@0.1',
} as const;
export type EventHandlerName = keyof typeof EVENT_HANDLER_KINDS;
export const EVENT_HANDLER_NAMES = Object.keys(EVENT_HANDLER_KINDS) as readonly EventHandlerName[];

/** One text per event handler that a component exports. */
export type EventHandlers = Readonly<Partial<Record<EventHandlerName, string>>>;

/** The interfaces that make a component callable, in order of preference: HTTP wins, what takes events alone comes last. */
export const HANDLER_KINDS = [
  'wasi:http/handler@0.3',
  'wasi:http/incoming-handler@0.2',
  'wasi:cli/run@0.2',
  EVENT_HANDLER_KINDS.queue,
  EVENT_HANDLER_KINDS.schedule,
] as const;
export type HandlerKind = (typeof HANDLER_KINDS)[number];

/** Whether a component with this handler answers no requests. */
export function takesEventsOnly(
  handler: HandlerKind,
): handler is (typeof EVENT_HANDLER_KINDS)[EventHandlerName] {
  return handler === EVENT_HANDLER_KINDS.queue || handler === EVENT_HANDLER_KINDS.schedule;
}

/** What the upload was before publishing made it a component. */
export type UploadKind = 'component' | 'wasip1-command' | 'wasip1-reactor';

/** A core module of an artifact, already metered. */
export interface CoreModuleManifest {
  /** The name under which the glue asks for it, and its file in the artifact. */
  readonly name: string;
  readonly bytes: number;
  /** Sizes it starts with; imported memories and tables are counted where they are defined. */
  readonly initialMemoryBytes: number;
  readonly initialTableEntries: number;
  readonly functions: number;
  /** What has to be put back to use an instance again. */
  readonly state: ModuleState;
}

/** One step of publishing, in order, with its wall-clock time. */
export interface PublishStep {
  readonly name: 'check' | 'componentize' | 'transpile' | 'instrument' | 'compile' | 'store';
  readonly ms: number;
}

/**
 * `manifest.json` of an artifact: everything that running it needs to know without looking into its code.
 * An artifact is addressed by the digest of the upload plus what the pipeline was told (see `artifactKey`).
 */
export interface ArtifactManifest {
  readonly formatVersion: 1;
  /** Of the pipeline that made it; 0 where that did not say so yet. */
  readonly pipelineVersion: number;
  /** Of the uploaded bytes. */
  readonly digest: Digest;
  readonly upload: UploadKind;
  readonly handler: HandlerKind;
  /** The exported interface with its full version, such as `wasi:http/incoming-handler@0.2.3`. */
  readonly world: string;
  /** Key of the handler's interface in what the glue's `instantiate` returns. */
  readonly exportKey: string;
  /** The same for each event handler; without those that published before there were any. */
  readonly eventHandlers: EventHandlers;
  /** `linked`: instances are made by its link plan, without jco's glue. */
  readonly road: 'linked' | 'glue';
  /** Why it is the glue, for people; null on the linked road. */
  readonly roadReason: string | null;
  /** Of `link.json`; 0 where there is none. */
  readonly planBytes: number;
  /** Imported interfaces with their versions, sorted. */
  readonly imports: readonly string[];
  /** The cost model that metered the code; an old bill is recomputed with the model it names. */
  readonly fuelModel: string;
  readonly modules: readonly CoreModuleManifest[];
  readonly sizes: { readonly uploadBytes: number; readonly codeBytes: number; readonly glueBytes: number };
}

/** What the way in which instances are made takes of memory: the glue's text, or the plan. */
export function roadBytes({ road, planBytes, sizes }: ArtifactManifest): number {
  return road === 'linked' ? planBytes : sizes.glueBytes;
}

/** File names inside an artifact's folder. Core modules lie beside these under their own names. */
export const ARTIFACT_FILES = {
  manifest: 'manifest.json',
  glue: 'glue.js',
  plan: 'link.json',
  upload: 'upload.wasm',
} as const;
