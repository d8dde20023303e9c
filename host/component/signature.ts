import type { FunctionType, LinkPlan, TypeIndex, ValueType } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import type { Codec, CoreValue, FlatType } from './codec.ts';
import type { CodecSet } from './codec-set.ts';

/** CanonicalABI.md, `MAX_FLAT_PARAMS`, `MAX_FLAT_RESULTS` (of calls that are not async). */
const MAX_FLAT_PARAMETERS = 16;
const MAX_FLAT_RESULTS = 1;

/** A function type, ready to lift and lower values of it. */
export class Signature {
  /** Parameters do not fit into core parameters: they are in memory, as one tuple. */
  readonly areParametersInMemory: boolean;
  readonly isResultInMemory: boolean;
  readonly result: Codec | undefined;
  /** Whether the `err` case of the result is thrown. */
  readonly isFallible: boolean;
  /** Whether a borrowed handle is among the parameters. */
  readonly borrows: boolean;
  /** Whether a handle is given away in the same call, too: the order of the two matters then. */
  readonly moves: boolean;
  /** Core parameters of a lowered function, the place for its result among them. */
  readonly flatParameters: readonly FlatType[];
  readonly #parameters: readonly Codec[];
  /** Where the core values of each parameter begin. */
  readonly #starts: readonly number[];
  readonly #tuple: Codec;

  constructor({ parameters, result }: FunctionType, { types }: Pick<LinkPlan, 'types'>, codecs: CodecSet) {
    const indices = parameters.map(([, type]) => type);
    this.#parameters = indices.map((index) => codecs.get(index));
    this.#tuple = codecs.tuple(indices);
    const starts: number[] = [];
    let count = 0;
    for (const { flat } of this.#parameters) {
      starts.push(count);
      count += flat.length;
    }
    this.#starts = starts;
    this.areParametersInMemory = count > MAX_FLAT_PARAMETERS;
    this.result = codecs.optional(result);
    this.isFallible = result !== null && types[result]?.kind === 'result';
    this.isResultInMemory = this.result !== undefined && this.result.flat.length > MAX_FLAT_RESULTS;
    this.borrows = indices.some((index) => mentions(types, index, 'borrow'));
    this.moves = indices.some((index) => mentions(types, index, 'own'));
    this.flatParameters = this.areParametersInMemory ? ['i32'] : this.#tuple.flat;
  }

  /** Arguments that core code passes. `context.begin()` comes first. */
  liftParameters(context: CanonicalContext, values: readonly CoreValue[]): unknown[] {
    if (this.areParametersInMemory) {
      const pointer = (values[0] as number) >>> 0;
      context.checkRange(pointer, this.#tuple.alignment, this.#tuple.size);
      return this.#tuple.load(context, pointer) as unknown[];
    }
    const parameters = this.#parameters;
    const lifted = new Array<unknown>(parameters.length);
    for (let i = 0; i < parameters.length; i++)
      lifted[i] = parameters[i]!.liftFlat(context, values, this.#starts[i]!);
    return lifted;
  }

  /** Arguments for core code. `context.begin()` comes first. */
  lowerParameters(context: CanonicalContext, values: readonly unknown[]): CoreValue[] {
    if (this.areParametersInMemory) {
      const pointer = context.allocate(this.#tuple.alignment, this.#tuple.size);
      this.#tuple.store(context, values, pointer);
      return [pointer | 0];
    }
    const flat: CoreValue[] = [];
    for (let i = 0; i < this.#parameters.length; i++)
      this.#parameters[i]!.lowerFlat(context, values[i], flat);
    return flat;
  }

  /** What core code returned. */
  liftResult(context: CanonicalContext, value: unknown): unknown {
    const { result } = this;
    if (result === undefined) return undefined;
    if (!this.isResultInMemory) return result.liftFlat(context, [value as CoreValue], 0);
    const pointer = (value as number) >>> 0;
    context.checkRange(pointer, result.alignment, result.size);
    return result.load(context, pointer);
  }

  /** What core code is returned: the core value, or nothing and the result where `values` says it goes. */
  lowerResult(
    context: CanonicalContext,
    value: unknown,
    values: readonly CoreValue[],
  ): CoreValue | undefined {
    const { result } = this;
    if (result === undefined) return undefined;
    if (this.isResultInMemory) {
      const pointer = (values[this.flatParameters.length] as number) >>> 0;
      context.checkRange(pointer, result.alignment, result.size);
      result.store(context, value, pointer);
      return undefined;
    }
    const flat: CoreValue[] = [];
    result.lowerFlat(context, value, flat);
    return flat[0];
  }
}

/** Whether a value of the type may hold a handle of this kind. Types are a graph without cycles, each looked at once. */
function mentions(types: readonly ValueType[], index: TypeIndex, kind: 'own' | 'borrow'): boolean {
  const seen = new Set<TypeIndex>();
  const visit = (at: TypeIndex | null): boolean => {
    if (at === null || seen.has(at)) return false;
    seen.add(at);
    const type = types[at]!;
    switch (type.kind) {
      case 'own':
      case 'borrow':
        return type.kind === kind;
      case 'list':
        return visit(type.element);
      case 'record':
        return type.fields.some(([, field]) => visit(field));
      case 'tuple':
        return type.elements.some(visit);
      case 'variant':
        return type.cases.some(([, payload]) => visit(payload));
      case 'option':
        return visit(type.some);
      case 'result':
        return visit(type.ok) || visit(type.err);
      default:
        return false;
    }
  };
  return visit(index);
}
