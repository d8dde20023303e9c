/** What spans of invocations have in common, written once: all but ids, times and amounts of a hello is the same in each. */
import type { SpanSubject } from '../../model/span-batch.ts';
import { commonAttributes, failureOf, spanNameOf } from './invocation-attributes.ts';
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

/** A KiB each. A function has a dozen, of which most are seldom: where there are more, all are made again. */
const SHAPES = 4_096;

/** Parts of a span as they are written. */
export interface SpanParts {
  readonly nameAndKind: Uint8Array;
  readonly attributes: Uint8Array;
  /** What follows the attributes. */
  readonly end: Uint8Array;
}

/** What invocations of one kind of one function have in common. */
export interface SpanShape extends SpanParts {
  readonly subject: SpanSubject;
  /** The last span that was written of it. */
  last: PlacedSpan | undefined;
}

/** A span where it lies among those that are not yet taken, and where in it is what is of its own. */
export interface PlacedSpan {
  readonly taken: number;
  readonly start: number;
  readonly end: number;
  readonly hasParent: boolean;
  /** Undefined where it is no request's. */
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
  readonly #idAttribute: Uint8Array;
  readonly #shapes = new Map<string, SpanShape>();

  /** @param idAttribute stands behind the attributes of each: the invocation's own id follows */
  constructor(idAttribute: Uint8Array) {
    this.#idAttribute = idAttribute;
  }

  of(subject: SpanSubject): SpanShape {
    const { tenant, name, version, trigger, outcome, start, method, status } = subject;
    const key = [tenant, name, version, trigger, outcome, start, method, status].join(' ');
    const known = this.#shapes.get(key);
    if (known !== undefined) return known;
    if (this.#shapes.size >= SHAPES) this.#shapes.clear();
    const shape = this.#make(subject);
    this.#shapes.set(key, shape);
    return shape;
  }

  #make(subject: SpanSubject): SpanShape {
    const attributes = commonAttributes(subject).map((attribute) => attributeField(ATTRIBUTES, attribute));
    const parts = partsOf(
      spanNameOf(subject),
      subject.trigger === 'queue' ? CONSUMER : SERVER,
      Buffer.concat([...attributes, this.#idAttribute]),
      failureOf(subject.outcome, subject.status),
    );
    return { ...parts, subject, last: undefined };
  }
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
