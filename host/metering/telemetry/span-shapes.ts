/** What spans of invocations have in common, written once: all but ids, times and amounts of a hello is the same in each. */
import type { HttpExchange } from '../../model/ended-invocation.ts';
import type { LiveFunction } from '../../model/function-version.ts';
import type { InvocationUse } from '../../model/usage-record.ts';
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
const SHAPES_PER_FUNCTION = 256;

export interface SpanShape {
  readonly nameAndKind: Uint8Array;
  readonly attributes: Uint8Array;
  /** What follows the attributes. */
  readonly end: Uint8Array;
}

/** A child of the invocation's span: `queue`, `init`, `exec`. */
export function childShape(name: string): SpanShape {
  return shapeOf(name, INTERNAL, Buffer.alloc(0), undefined);
}

export class SpanShapes {
  readonly #names: SpanNames;
  readonly #byFunction = new WeakMap<LiveFunction, Map<string, SpanShape>>();

  constructor(names: SpanNames) {
    this.#names = names;
  }

  /** @param live the same object for as long as the same version is called */
  of(live: LiveFunction, use: InvocationUse, http: HttpExchange | undefined): SpanShape {
    let shapes = this.#byFunction.get(live);
    if (shapes === undefined) {
      shapes = new Map();
      this.#byFunction.set(live, shapes);
    }
    const { trigger, outcome, start } = use;
    const key = `${trigger} ${outcome} ${start} ${http?.method} ${http?.status}`;
    let shape = shapes.get(key);
    if (shape === undefined) {
      if (shapes.size >= SHAPES_PER_FUNCTION) shapes.clear();
      shape = this.#make(live, { trigger, outcome, start, method: http?.method, status: http?.status });
      shapes.set(key, shape);
    }
    return shape;
  }

  #make(live: LiveFunction, kind: InvocationKind): SpanShape {
    const attributes = commonAttributes(this.#names, live, kind);
    return shapeOf(
      spanNameOf(live),
      kind.trigger === 'queue' ? CONSUMER : SERVER,
      Buffer.concat(attributes.map((attribute) => attributeField(ATTRIBUTES, attribute))),
      failureOf(kind.outcome, kind.status),
    );
  }
}

function shapeOf(
  name: string,
  kind: number,
  attributes: Buffer,
  failure: { readonly message?: string } | undefined,
): SpanShape {
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
