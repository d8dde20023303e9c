import type { TypeIndex, ValueType } from '../model/link-plan.ts';
import type { Codec } from './codec.ts';
import { flagsCodec } from './flags-codec.ts';
import { borrowCodec, ERROR_CONTEXT_CODEC, ownCodec } from './handle-codec.ts';
import { listCodec } from './list-codec.ts';
import { recordCodec, tupleCodec } from './record-codec.ts';
import { SCALAR_CODECS } from './scalar-codec.ts';
import { STRING_CODEC } from './string-codec.ts';
import { variantCodec } from './variant-codec.ts';
import { enumShape, NESTED_OPTION_SHAPE, OPTION_SHAPE, RESULT_SHAPE, taggedShape } from './variant-shapes.ts';

/** Codecs of the types that are ends of streams and futures; `element` is undefined where nothing is carried. */
export interface ChannelCodecs {
  stream(element: Codec | undefined, type: TypeIndex): Codec;
  future(element: Codec | undefined, type: TypeIndex): Codec;
}

/** The codec of each type of a plan, made when it is first asked for. */
export class CodecSet {
  readonly #types: readonly ValueType[];
  readonly #channels: ChannelCodecs;
  readonly #codecs: (Codec | 'in progress' | undefined)[] = [];

  constructor(types: readonly ValueType[], channels: ChannelCodecs) {
    this.#types = types;
    this.#channels = channels;
  }

  /** @throws {RangeError} if the plan has no such type, or one that contains itself */
  get(index: TypeIndex): Codec {
    const known = this.#codecs[index];
    if (known === 'in progress') throw new RangeError(`type ${index} contains itself`);
    if (known !== undefined) return known;
    const type = this.#types[index];
    if (type === undefined) throw new RangeError(`no type ${index}`);
    this.#codecs[index] = 'in progress';
    const codec = this.#compile(type, index);
    this.#codecs[index] = codec;
    return codec;
  }

  optional(index: TypeIndex | null): Codec | undefined {
    return index === null ? undefined : this.get(index);
  }

  /** Arguments or results of a function: a tuple, in memory where they are too many to be flat. */
  tuple(indices: readonly TypeIndex[]): Codec {
    return tupleCodec(indices.map((index) => this.get(index)));
  }

  #compile(type: ValueType, index: TypeIndex): Codec {
    switch (type.kind) {
      case 'string':
        return STRING_CODEC;
      case 'error-context':
        return ERROR_CONTEXT_CODEC;
      case 'list':
        return listCodec(this.get(type.element));
      case 'record':
        return recordCodec(type.fields.map(([name, field]) => [name, this.get(field)]));
      case 'tuple':
        return this.tuple(type.elements);
      case 'variant': {
        const names = type.cases.map(([name]) => name);
        const hasPayload = type.cases.map(([, payload]) => payload !== null);
        return variantCodec(
          type.cases.map(([, payload]) => this.optional(payload)),
          taggedShape(names, hasPayload),
        );
      }
      case 'enum':
        return variantCodec(
          type.names.map(() => undefined),
          enumShape(type.names),
        );
      case 'flags':
        return flagsCodec(type.names);
      case 'option': {
        const isNested = this.#types[type.some]?.kind === 'option';
        const shape = isNested ? NESTED_OPTION_SHAPE : OPTION_SHAPE;
        return variantCodec([undefined, this.get(type.some)], shape);
      }
      case 'result':
        return variantCodec([this.optional(type.ok), this.optional(type.err)], RESULT_SHAPE);
      case 'own':
        return ownCodec(type.resource);
      case 'borrow':
        return borrowCodec(type.resource);
      case 'stream':
        return this.#channels.stream(this.optional(type.element), index);
      case 'future':
        return this.#channels.future(this.optional(type.element), index);
      default:
        return SCALAR_CODECS[type.kind];
    }
  }
}
