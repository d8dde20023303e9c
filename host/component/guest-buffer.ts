import type { CanonicalContext } from './canonical-context.ts';
import type { DestinationBuffer, Elements, SourceBuffer } from './channel.ts';
import type { Codec } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';
import type { InstanceState } from './instance-state.ts';
import { checkElements, type ElementsCodec, elementsCodec } from './list-codec.ts';

/** CanonicalABI.md, `Buffer.MAX_LENGTH`. */
const MAX_LENGTH = 2 ** 28 - 1;

/** Elements of a stream in the memory of a guest; made once per type and built-in. */
export interface BufferType {
  readonly codec: Codec;
  readonly elements: ElementsCodec;
}

export function bufferType(codec: Codec | undefined): BufferType | undefined {
  return codec === undefined ? undefined : { codec, elements: elementsCodec(codec) };
}

/** Memory that the guest gave away until its read or write is done (CanonicalABI.md, "Buffer State"). */
export class GuestBuffer implements SourceBuffer, DestinationBuffer {
  readonly owner: InstanceState;
  readonly #context: CanonicalContext;
  readonly #type: BufferType | undefined;
  readonly #length: number;
  #pointer: number;
  #progress = 0;

  /**
   * @param type of its elements; undefined if they carry nothing
   * @throws {ComponentTrap} if it is not within the guest's memory
   */
  constructor(context: CanonicalContext, type: BufferType | undefined, pointer: number, length: number) {
    if (length > MAX_LENGTH) throw new ComponentTrap('the buffer is too long');
    context.begin();
    if (type !== undefined && length > 0) checkElements(context, type.codec, pointer, length);
    this.owner = context.state;
    this.#context = context;
    this.#type = type;
    this.#pointer = pointer;
    this.#length = length;
  }

  /** Elements that were copied. */
  get progress(): number {
    return this.#progress;
  }

  get remaining(): number {
    return this.#length - this.#progress;
  }

  read(count: number): Elements {
    const type = this.#type;
    const context = this.#context;
    if (type === undefined) {
      this.#progress += count;
      return { length: count };
    }
    context.begin();
    context.lenders = undefined;
    const values = type.elements.load(context, this.#pointer, count);
    this.#advance(count, type);
    return values;
  }

  write(values: Elements): void {
    const type = this.#type;
    if (type === undefined) {
      this.#progress += values.length;
      return;
    }
    this.#context.begin();
    type.elements.store(this.#context, values, this.#pointer);
    this.#advance(values.length, type);
  }

  #advance(count: number, { codec }: BufferType): void {
    this.#pointer += count * codec.size;
    this.#progress += count;
  }
}
