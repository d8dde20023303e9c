/**
 * What lifting and lowering needs besides the value (CanonicalABI.md, "Lifting and Lowering Context"): memory, allocator
 * and encoding of one set of canonical options, and the state of the invocation. Made once, at link time.
 *
 * 1. `view` and `bytes` are of the memory's present buffer from `begin()` on, until the guest runs again: `begin()` comes
 *    first in whatever lifts or lowers, and an allocation renews them. A memory that grows detaches the buffer that it had
 *    (no memory is shared), so that its views have no length any more: `memory.buffer`, 40 ns, is asked for only then.
 * 2. What one call lifts is bounded: lists in lists may point to the same bytes over and over, so that little
 *    memory of the guest describes any amount of the host's.
 */

import { LIFTED_BYTES_PER_CALL } from '../limits/limits.ts';
import type { CanonicalOptions } from '../model/link-plan.ts';
import { ComponentTrap } from './component-trap.ts';
import type { GuestPorts } from './guest-ports.ts';
import type { InstanceState, StateHolder } from './instance-state.ts';
import type { BorrowScope, Lenders } from './resource-handle.ts';

export type StringEncoding = CanonicalOptions['stringEncoding'];
/** A core `cabi_realloc`, called where the guest cannot be parked. */
export type Realloc = (
  oldPointer: number,
  oldSize: number,
  alignment: number,
  newSize: number,
) => number | undefined;

/** What an element of a list that is no number takes of the host, about: an object with a few fields. */
export const ELEMENT_BYTES = 64;
/** What a list of bytes or numbers takes beside them, or a text, at most: two million empty ones, a call's worth of elements, were 550 MB. */
export const LENGTH_BYTES = 192;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

export class CanonicalContext {
  readonly encoding: StringEncoding;
  view: DataView = NO_VIEW;
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** Of the call whose arguments are being lifted; undefined if it returns before the guest goes on. */
  lenders: Lenders | undefined;
  /** Of the task whose arguments are being lowered. */
  scope: BorrowScope | undefined;
  readonly #holder: StateHolder;
  readonly #ports: Pick<GuestPorts, 'chargeLength' | 'chargeElements'>;
  #memory: WebAssembly.Memory | undefined;
  #realloc: Realloc | undefined;
  #liftableBytes = 0;

  constructor(
    holder: StateHolder,
    ports: Pick<GuestPorts, 'chargeLength' | 'chargeElements'>,
    encoding: StringEncoding,
  ) {
    this.#holder = holder;
    this.#ports = ports;
    this.encoding = encoding;
  }

  /** The memory and allocator of the options, once the core instances that export them exist. */
  attach(memory: WebAssembly.Memory | undefined, realloc: Realloc | undefined): void {
    this.#memory = memory;
    this.#realloc = realloc;
    this.#renew();
  }

  get memory(): WebAssembly.Memory | undefined {
    return this.#memory;
  }

  get state(): InstanceState {
    return this.#holder.current;
  }

  /** Invariant 1. */
  begin(): void {
    this.#renew();
    this.#liftableBytes = LIFTED_BYTES_PER_CALL;
  }

  /** Bytes or numbers that are about to be copied out of the guest. */
  liftLength(length: number, byteLength: number): void {
    this.#ports.chargeLength(length);
    this.#spend(byteLength + LENGTH_BYTES);
  }

  /** Other elements of a list that are about to be lifted. */
  liftElements(count: number): void {
    this.#ports.chargeElements(count);
    this.#spend(count * ELEMENT_BYTES);
  }

  /** What was lifted since `begin`. */
  get liftedBytes(): number {
    return LIFTED_BYTES_PER_CALL - this.#liftableBytes;
  }

  lowerLength(length: number): void {
    this.#ports.chargeLength(length);
  }

  lowerElements(count: number): void {
    this.#ports.chargeElements(count);
  }

  /**
   * CanonicalABI.md, `reallocate`: memory of the guest, which its own allocator chose.
   * @throws {ComponentTrap} if that is outside of its memory or not aligned
   */
  allocate(alignment: number, byteLength: number): number {
    return this.reallocate(0, 0, alignment, byteLength);
  }

  reallocate(oldPointer: number, oldByteLength: number, alignment: number, byteLength: number): number {
    const realloc = this.#realloc;
    if (realloc === undefined) throw new ComponentTrap('a value needs memory, but there is no realloc');
    const { current } = this.#holder;
    current.mayLeave = false;
    const pointer = Number(realloc(oldPointer, oldByteLength, alignment, byteLength)) >>> 0;
    current.mayLeave = true;
    this.#renew();
    this.checkRange(pointer, alignment, byteLength);
    return pointer;
  }

  /** @throws {ComponentTrap} unless the bytes are the guest's and begin where their type may begin */
  checkRange(pointer: number, alignment: number, byteLength: number): void {
    if (pointer % alignment !== 0) throw new ComponentTrap(`pointer ${pointer} is not aligned`);
    if (pointer + byteLength > this.bytes.length)
      throw new ComponentTrap(`pointer ${pointer} is out of bounds`);
  }

  #renew(): void {
    if (this.bytes.length !== 0) return;
    const buffer = this.#memory?.buffer;
    if (buffer === undefined || buffer === this.bytes.buffer) return;
    this.bytes = new Uint8Array(buffer as ArrayBuffer);
    this.view = new DataView(buffer);
  }

  #spend(byteLength: number): void {
    this.#liftableBytes -= byteLength;
    if (this.#liftableBytes < 0) {
      throw new ComponentTrap(`more than ${LIFTED_BYTES_PER_CALL} bytes are passed in one call`);
    }
  }
}
