/**
 * What has to be done, in order, to make an instance of a component without jco's glue: the component's index spaces
 * resolved at publishing, so that nothing but plain data reaches a serving thread. Part of the artifact (`link.json`)
 * where the component has a shape that it covers; otherwise the component runs on jco's glue.
 *
 * Terms are those of the component model (Explainer.md, CanonicalABI.md). Indices point into the plan's own lists.
 */
import type { EventHandlerName } from './artifact.ts';

/** Index into {@link LinkPlan.types}. */
export type TypeIndex = number;
/** Index into {@link LinkPlan.resources}. */
export type ResourceIndex = number;
/**
 * A component instance: 0 up to {@link LinkPlan.components}. Each has a table of handles and the like of its own. Most
 * plans have one; JavaScript guests are composed of two (the engine, and the modules it may load).
 */
export type ComponentIndex = number;
/** Index into {@link LinkPlan.coreInstances}, counted in the order of the steps that make them. */
export type CoreInstanceIndex = number;
/** Index into {@link LinkPlan.coreFunctions}. */
export type CoreFunctionIndex = number;

export type PrimitiveType =
  | 'bool'
  | 's8'
  | 'u8'
  | 's16'
  | 'u16'
  | 's32'
  | 'u32'
  | 's64'
  | 'u64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string'
  | 'error-context';

export type ValueType =
  | { readonly kind: PrimitiveType }
  | { readonly kind: 'list'; readonly element: TypeIndex }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [name: string, type: TypeIndex])[] }
  | { readonly kind: 'tuple'; readonly elements: readonly TypeIndex[] }
  | { readonly kind: 'variant'; readonly cases: readonly (readonly [name: string, type: TypeIndex | null])[] }
  | { readonly kind: 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'flags'; readonly names: readonly string[] }
  | { readonly kind: 'option'; readonly some: TypeIndex }
  | { readonly kind: 'result'; readonly ok: TypeIndex | null; readonly err: TypeIndex | null }
  | { readonly kind: 'own' | 'borrow'; readonly resource: ResourceIndex }
  | { readonly kind: 'stream' | 'future'; readonly element: TypeIndex | null };

export interface FunctionType {
  readonly isAsync: boolean;
  readonly parameters: readonly (readonly [name: string, type: TypeIndex])[];
  readonly result: TypeIndex | null;
}

/**
 * A resource type that the component imports; its class is found among the imports of the host. Two patch versions of
 * an interface have types of their own, with the same class behind them.
 */
export interface ImportedResource {
  /** Key of the interface in the imports (`wasi:io/streams`, `wasi:http/types@0.3`). */
  readonly interface: string;
  /** As in WIT: `input-stream`. */
  readonly name: string;
}

/** Something that a core instance exports. */
export interface CoreExport {
  readonly instance: CoreInstanceIndex;
  readonly name: string;
}

/** `canonopt`s of a lift, a lower or a built-in. */
export interface CanonicalOptions {
  readonly memory: CoreExport | null;
  readonly realloc: CoreExport | null;
  readonly postReturn: CoreExport | null;
  readonly callback: CoreExport | null;
  readonly stringEncoding: 'utf8' | 'utf16' | 'latin1+utf16';
  readonly isAsync: boolean;
}

/** A core function that the host makes, for core modules of the component: a lowered import or a built-in. */
export type CoreFunction = { readonly component: ComponentIndex } & CanonicalFunction;

export type CanonicalFunction =
  | {
      readonly kind: 'lower';
      readonly interface: string;
      /** As in WIT: `handle`, `[method]input-stream.read`, `[constructor]fields`, `[static]request.new`. */
      readonly name: string;
      readonly type: FunctionType;
      readonly options: CanonicalOptions;
      /** Whether the host's function may give a promise: the guest's stack is parked in it then. */
      readonly mayWait: boolean;
    }
  /** A function that another component of the plan exports; it does not wait. */
  | {
      readonly kind: 'adapter';
      readonly callee: LiftedFunction;
      readonly options: CanonicalOptions;
    }
  | { readonly kind: 'resource.drop'; readonly resource: ResourceIndex }
  | { readonly kind: 'task.return'; readonly result: TypeIndex | null; readonly options: CanonicalOptions }
  | { readonly kind: 'task.cancel' }
  | { readonly kind: 'context.get' | 'context.set'; readonly slot: number }
  | { readonly kind: 'backpressure.set' | 'backpressure.inc' | 'backpressure.dec' }
  | { readonly kind: 'thread.yield'; readonly isCancellable: boolean }
  | { readonly kind: 'subtask.cancel'; readonly isAsync: boolean }
  | { readonly kind: 'subtask.drop' }
  | {
      readonly kind: `${'stream' | 'future'}.new` | `${'stream' | 'future'}.drop-${'readable' | 'writable'}`;
      readonly type: TypeIndex;
    }
  | {
      readonly kind: `${'stream' | 'future'}.${'read' | 'write'}`;
      readonly type: TypeIndex;
      readonly options: CanonicalOptions;
    }
  | {
      readonly kind: `${'stream' | 'future'}.cancel-${'read' | 'write'}`;
      readonly type: TypeIndex;
      readonly isAsync: boolean;
    }
  | { readonly kind: 'error-context.new' | 'error-context.debug-message'; readonly options: CanonicalOptions }
  | { readonly kind: 'error-context.drop' }
  | { readonly kind: 'waitable-set.new' | 'waitable-set.drop' | 'waitable.join' }
  | {
      readonly kind: 'waitable-set.wait' | 'waitable-set.poll';
      readonly isCancellable: boolean;
      readonly memory: CoreExport;
    };

/** What a core instance imports or is put together from. */
export type CoreItem =
  | { readonly kind: 'export'; readonly of: CoreExport }
  | { readonly kind: 'function'; readonly function: CoreFunctionIndex };

export type CoreInstance =
  | {
      readonly kind: 'instantiate';
      /** File name of the core module in the artifact. */
      readonly module: string;
      /** Import namespace -> the core instance that serves it. */
      readonly arguments: readonly (readonly [namespace: string, instance: CoreInstanceIndex])[];
    }
  | { readonly kind: 'exports'; readonly items: readonly (readonly [name: string, item: CoreItem])[] };

/** A function that a component exports. */
export interface LiftedFunction {
  readonly component: ComponentIndex;
  readonly name: string;
  readonly type: FunctionType;
  readonly core: CoreExport;
  readonly options: CanonicalOptions;
}

export interface LinkPlan {
  readonly formatVersion: 1;
  /** How many component instances there are. */
  readonly components: number;
  readonly types: readonly ValueType[];
  readonly resources: readonly ImportedResource[];
  readonly coreFunctions: readonly CoreFunction[];
  /** Made in this order; each refers to earlier ones only. */
  readonly coreInstances: readonly CoreInstance[];
  /** Functions of the interface that the host calls; none where the component takes events alone. */
  readonly exports: readonly LiftedFunction[];
  /** `handle` of each event handler. Plans from before there were any have none. */
  readonly eventExports?: Readonly<Partial<Record<EventHandlerName, LiftedFunction>>>;
}
