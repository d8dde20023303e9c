/**
 * What the index spaces of a component hold while its link plan is read: types, functions, instances and components,
 * each resolved to where it comes from.
 */
import type { CanonicalOptions, ComponentIndex, CoreItem, PrimitiveType } from '../model/link-plan.ts';

/** Why a component runs on jco's glue: its shape is none that a plan covers. The message is for people. */
export class NotCovered extends Error {
  override readonly name = 'NotCovered';
}

/** A value type as it stands in the binary: a primitive, or an index into the types of its scope. */
export type TypeReference = PrimitiveType | number;

/** `defvaltype`, undecoded but for its structure. */
export type ValueDefinition =
  | { readonly kind: 'primitive'; readonly type: PrimitiveType }
  | { readonly kind: 'record'; readonly fields: readonly (readonly [string, TypeReference])[] }
  | { readonly kind: 'variant'; readonly cases: readonly (readonly [string, TypeReference | null])[] }
  | { readonly kind: 'list' | 'option'; readonly of: TypeReference }
  | { readonly kind: 'tuple'; readonly elements: readonly TypeReference[] }
  | { readonly kind: 'flags' | 'enum'; readonly names: readonly string[] }
  | { readonly kind: 'result'; readonly ok: TypeReference | null; readonly err: TypeReference | null }
  | { readonly kind: 'own' | 'borrow'; readonly resource: number }
  | { readonly kind: 'stream' | 'future'; readonly of: TypeReference | null }
  /** A kind of type that no plan has: only using it is a reason. */
  | { readonly kind: 'other'; readonly what: string };

export interface FunctionDefinition {
  readonly isAsync: boolean;
  readonly parameters: readonly (readonly [string, TypeReference])[];
  readonly result: TypeReference | null;
}

/** `deftype`. */
export type TypeDefinition =
  | { readonly kind: 'value'; readonly value: ValueDefinition }
  | { readonly kind: 'function'; readonly function: FunctionDefinition }
  | { readonly kind: 'instance'; readonly declarations: readonly Declaration[] }
  | { readonly kind: 'component' }
  | { readonly kind: 'resource' };

/** `instancedecl`. */
export type Declaration =
  | { readonly kind: 'type'; readonly definition: TypeDefinition }
  | { readonly kind: 'alias'; readonly alias: Alias }
  | { readonly kind: 'export'; readonly name: string; readonly description: ExternDescription };

/** Sorts of the component level, by their byte; `core` has a second one. */
export type Sort = 'core' | 'function' | 'value' | 'type' | 'component' | 'instance';
/** Sorts of core definitions. */
export type CoreSort = 'function' | 'table' | 'memory' | 'global' | 'tag' | 'other';

export interface Alias {
  readonly sort: Sort;
  readonly coreSort: CoreSort | undefined;
  readonly target:
    | { readonly kind: 'export' | 'core export'; readonly instance: number; readonly name: string }
    | { readonly kind: 'outer'; readonly levels: number; readonly index: number };
}

/** `externdesc`; the type is an index into the types of its scope. */
export type ExternDescription =
  | { readonly kind: 'function' | 'component' | 'instance'; readonly type: number }
  | { readonly kind: 'type'; readonly equals: number | undefined };

/** What may be referred to from inside of a component: index spaces of itself, and those of what it stands in. */
export interface EnclosingScope {
  readonly parent: EnclosingScope | undefined;
  readonly types: readonly TypeEntity[];
  readonly components: readonly ComponentEntity[];
}

export type TypeEntity =
  | { readonly kind: 'value'; readonly value: ValueDefinition; readonly scope: EnclosingScope }
  | { readonly kind: 'function'; readonly function: FunctionDefinition; readonly scope: EnclosingScope }
  | {
      readonly kind: 'instance';
      readonly declarations: readonly Declaration[];
      readonly scope: EnclosingScope;
    }
  | { readonly kind: 'component' }
  /** `interface` is undefined for a resource that the component defines itself. */
  | { readonly kind: 'resource'; readonly interface: string | undefined; readonly name: string };

export type FunctionEntity =
  | {
      readonly kind: 'imported';
      readonly interface: string;
      readonly name: string;
      readonly type: TypeEntity;
    }
  | {
      readonly kind: 'lifted';
      readonly component: ComponentIndex;
      readonly core: CoreItem;
      readonly options: CanonicalOptions;
      readonly type: TypeEntity;
    };

export interface ComponentEntity {
  /** Where its sections lie in the upload. */
  readonly start: number;
  readonly end: number;
  readonly scope: EnclosingScope;
}

export type Entity =
  | { readonly sort: 'type'; readonly of: TypeEntity }
  | { readonly sort: 'function'; readonly of: FunctionEntity }
  | { readonly sort: 'instance'; readonly of: InstanceEntity }
  | { readonly sort: 'component'; readonly of: ComponentEntity };

export type InstanceEntity = ReadonlyMap<string, Entity>;
