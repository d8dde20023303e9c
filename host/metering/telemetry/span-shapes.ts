/** What spans of invocations have in common, written once: all but ids, times and amounts of a hello is the same in each. */
import type { EndedInvocation } from '../../model/ended-invocation.ts';
import type { LiveFunction } from '../../model/function-version.ts';
import {
  commonAttributes,
  failureOf,
  type InvocationKind,
  type SpanNames,
  spanNameOf,
} from './invocation-attributes.ts';
import { attributeField, bytesField, intField, stringField } from './otlp-fields.ts';

/** Fields of opentelemetry.proto.trace.v1.Span. */
const NAME = 5;
const KIND = 6;
const ATTRIBUTES = 9;
const DROPPED = [10, 12, 14] as const;
const STATUS = 15;

const INTERNAL = 1;
const SERVER = 2;
const CONSUMER = 5;

/** A caller chooses method and status, out of few of each: a function has a dozen shapes, not thousands. */
const SHAPES_PER_FUNCTION = 64;

/** Parts of a span as they are written. */
export interface SpanParts {
  readonly nameAndKind: Uint8Array;
  readonly attributes: Uint8Array;
  /** What follows the attributes. */
  readonly end: Uint8Array;
}

/** What invocations of one kind of one function have in common. */
export interface SpanShape extends SpanParts {
  readonly live: LiveFunction;
  readonly kind: InvocationKind;
  /** For exemplars, since they were last taken: by the buckets that an invocation fell into, the last one. */
  readonly noted: Map<number, EndedInvocation>;
  /** The last span that was written of it. */
  last: PlacedSpan | undefined;
}

/** A span where it lies among those that are not yet taken, and where in it is what is of its own. */
export interface PlacedSpan {
  readonly batch: number;
  readonly start: number;
  readonly end: number;
  readonly hasParent: boolean;
  /** With its query; undefined where it is no request's. */
  readonly path: string | undefined;
  /** From `start` on. */
  readonly timesAt: number;
  readonly idAt: number;
  readonly fuelAt: number;
  readonly memoryAt: number;
  /** Bytes of the two numbers. */
  readonly fuelLength: number;
  readonly memoryLength: number;
}

/** Of a child of the invocation's span: `queue`, `init`, `exec`. */
export function childParts(name: string): SpanParts {
  return partsOf(name, INTERNAL, Buffer.alloc(0), undefined);
}

export class SpanShapes {
  readonly #names: SpanNames;
  readonly #idAttribute: Uint8Array;
  readonly #byFunction = new WeakMap<LiveFunction, SpanShape[]>();
  #recent: SpanShape | undefined;

  /** @param idAttribute stands behind the attributes of each: the invocation's own id follows */
  constructor(names: SpanNames, idAttribute: Uint8Array) {
    this.#names = names;
    this.#idAttribute = idAttribute;
  }

  /** The shape of an invocation, whose `live` is the same object for as long as the same version is called. */
  of(invocation: EndedInvocation): SpanShape {
    const { live, use, http } = invocation;
    if (this.#recent?.live === live && isOf(this.#recent, invocation)) return this.#recent;
    let shapes = this.#byFunction.get(live);
    if (shapes === undefined) {
      shapes = [];
      this.#byFunction.set(live, shapes);
    }
    // Looked through rather than up: a key made of five parts would have to be hashed, 1 µs.
    let shape = shapes.find((each) => isOf(each, invocation));
    if (shape === undefined) {
      if (shapes.length >= SHAPES_PER_FUNCTION) shapes.length = 0;
      const { trigger, outcome, start } = use;
      shape = this.#make(live, { trigger, outcome, start, method: http?.method, status: http?.status });
      shapes.push(shape);
    }
    this.#recent = shape;
    return shape;
  }

  #make(live: LiveFunction, kind: InvocationKind): SpanShape {
    const attributes = commonAttributes(this.#names, live, kind);
    const parts = partsOf(
      spanNameOf(live),
      kind.trigger === 'queue' ? CONSUMER : SERVER,
      Buffer.concat([
        ...attributes.map((attribute) => attributeField(ATTRIBUTES, attribute)),
        this.#idAttribute,
      ]),
      failureOf(kind.outcome, kind.status),
    );
    return { ...parts, live, kind, noted: new Map(), last: undefined };
  }
}

function isOf({ kind }: SpanShape, { use, http }: EndedInvocation): boolean {
  return (
    kind.status === http?.status &&
    kind.method === http?.method &&
    kind.outcome === use.outcome &&
    kind.start === use.start &&
    kind.trigger === use.trigger
  );
}

function partsOf(
  name: string,
  kind: number,
  attributes: Buffer,
  failure: { readonly message?: string } | undefined,
): SpanParts {
  const { message } = failure ?? {};
  const status = [
    ...(message === undefined ? [] : [stringField(2, message)]),
    intField(3, failure === undefined ? 0 : 2),
  ];
  return {
    nameAndKind: Buffer.concat([stringField(NAME, name), intField(KIND, kind)]),
    attributes,
    end: Buffer.concat([...DROPPED.map((field) => intField(field, 0)), bytesField(STATUS, ...status)]),
  };
}
