import type {
  FunctionType,
  ImportedResource,
  PrimitiveType,
  ResourceIndex,
  TypeIndex,
  ValueType,
} from '../model/link-plan.ts';
import {
  type EnclosingScope,
  NotCovered,
  type TypeEntity,
  type TypeReference,
  type ValueDefinition,
} from './link-plan-entities.ts';
import { at, type PlanWork } from './link-plan-scope.ts';

/**
 * Core values that one value may take. Types share their parts, so that a few hundred bytes can describe one of
 * billions of fields, which a codec would spell out. The widest of WASI's has 14.
 */
const MAX_CORE_VALUES = 1_000;

/**
 * The types of a plan: each structure once, whatever interfaces it is declared in, and only those that functions use.
 * Recursion is as deep as types nest, which component-sections.ts bounds.
 */
export class PlanTypes {
  readonly types: ValueType[] = [];
  readonly resources: ImportedResource[] = [];
  readonly #work: PlanWork;
  /** Of each type: the core values that one value of it takes. */
  readonly #coreValues: number[] = [];
  readonly #byStructure = new Map<string, TypeIndex>();
  readonly #byEntity = new Map<TypeEntity, TypeIndex>();
  readonly #resourceIndices = new Map<TypeEntity, ResourceIndex>();

  constructor(work: PlanWork) {
    this.#work = work;
  }

  functionType(entity: TypeEntity): FunctionType {
    if (entity.kind !== 'function') throw new Error('a function has a type that is none');
    const { isAsync, parameters, result } = entity.function;
    this.#work.add(parameters.length);
    return {
      isAsync,
      parameters: parameters.map(([name, type]) => [name, this.reference(type, entity.scope)]),
      result: this.optional(result, entity.scope),
    };
  }

  optional(reference: TypeReference | null, scope: EnclosingScope): TypeIndex | null {
    return reference === null ? null : this.reference(reference, scope);
  }

  reference(reference: TypeReference, scope: EnclosingScope): TypeIndex {
    if (typeof reference === 'string') return this.#primitive(reference);
    return this.value(at(scope.types, reference));
  }

  value(entity: TypeEntity): TypeIndex {
    if (entity.kind !== 'value') throw new Error('a value has a type of no values');
    const known = this.#byEntity.get(entity);
    if (known !== undefined) return known;
    const index = this.#intern(this.#resolve(entity.value, entity.scope));
    this.#byEntity.set(entity, index);
    return index;
  }

  resource(entity: TypeEntity): ResourceIndex {
    if (entity.kind !== 'resource') throw new Error('a handle is of a type that is no resource');
    if (entity.interface === undefined) throw new NotCovered('it defines resource types of its own');
    const known = this.#resourceIndices.get(entity);
    if (known !== undefined) return known;
    const index = this.resources.push({ interface: entity.interface, name: entity.name }) - 1;
    this.#resourceIndices.set(entity, index);
    return index;
  }

  #primitive(kind: PrimitiveType): TypeIndex {
    return this.#intern({ kind });
  }

  #intern(type: ValueType): TypeIndex {
    const structure = JSON.stringify(type);
    const known = this.#byStructure.get(structure);
    if (known !== undefined) return known;
    const coreValues = this.#countCoreValues(type);
    if (coreValues > MAX_CORE_VALUES)
      throw new NotCovered(`it has a type of more than ${MAX_CORE_VALUES} fields`);
    this.#work.add(coreValues);
    this.#coreValues.push(coreValues);
    const index = this.types.push(type) - 1;
    this.#byStructure.set(structure, index);
    return index;
  }

  #countCoreValues(type: ValueType): number {
    const of = (index: TypeIndex | null): number => (index === null ? 0 : this.#coreValues[index]!);
    switch (type.kind) {
      case 'record':
        return type.fields.reduce((sum, [, field]) => sum + of(field), 0);
      case 'tuple':
        return type.elements.reduce((sum, element) => sum + of(element), 0);
      case 'variant':
        return 1 + type.cases.reduce((most, [, payload]) => Math.max(most, of(payload)), 0);
      case 'option':
        return 1 + of(type.some);
      case 'result':
        return 1 + Math.max(of(type.ok), of(type.err));
      case 'string':
      case 'list':
        return 2;
      default:
        return 1;
    }
  }

  #resolve(value: ValueDefinition, scope: EnclosingScope): ValueType {
    switch (value.kind) {
      case 'primitive':
        return { kind: value.type };
      case 'record':
        this.#work.add(value.fields.length);
        return {
          kind: 'record',
          fields: value.fields.map(([name, type]) => [name, this.reference(type, scope)]),
        };
      case 'variant':
        this.#work.add(value.cases.length);
        return {
          kind: 'variant',
          cases: value.cases.map(([name, type]) => [name, this.optional(type, scope)]),
        };
      case 'list':
        return { kind: 'list', element: this.reference(value.of, scope) };
      case 'option':
        return { kind: 'option', some: this.reference(value.of, scope) };
      case 'tuple':
        this.#work.add(value.elements.length);
        return { kind: 'tuple', elements: value.elements.map((type) => this.reference(type, scope)) };
      case 'flags':
      case 'enum':
        this.#work.add(value.names.length);
        return { kind: value.kind, names: value.names };
      case 'result':
        return { kind: 'result', ok: this.optional(value.ok, scope), err: this.optional(value.err, scope) };
      case 'own':
      case 'borrow':
        return { kind: value.kind, resource: this.resource(at(scope.types, value.resource)) };
      case 'stream':
      case 'future':
        return { kind: value.kind, element: this.optional(value.of, scope) };
      case 'other':
        throw new NotCovered(`it uses ${value.what}`);
    }
  }
}
