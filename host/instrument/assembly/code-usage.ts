import { Bytes } from './arrays.ts';
import { Feature } from './features.ts';
import { ModuleFacts } from './module-facts.ts';

/** What code does with a memory or a table, as bits. */
export enum SpaceUse {
  /** Makes it larger. */
  Grown = 1,
  /** Of a memory: sees its size. */
  Sized = 2,
  /** Of a table: changes its entries in any way, growing it included. */
  Written = 4,
}

/** What code does with a segment of data or elements, as bits. */
export enum SegmentUse {
  Read = 1,
  Dropped = 2,
}

/** What the code of a module needs from the host, found while reading its functions (MeterUsage of ../usage.ts). */
export class CodeUsage {
  /** Feature bits. */
  features: i32 = 0;
  /** Any charge at all: without one a module is left as it is. */
  charges: bool = false;
  /** False if some function already has as many locals as the engine allows. */
  hasRoomForCounter: bool = true;
  /** Whether code makes structs or arrays. */
  allocates: bool = false;
  /** Bits by LengthKind, and by the logarithm of the size of elements of arrays whose length is known at run time. */
  lengthKinds: i32 = 0;
  arraySizes: i32 = 0;
  /** SpaceUse bits of each memory and table. */
  readonly memories: Bytes;
  readonly tables: Bytes;
  /** SegmentUse bits of each segment. */
  readonly data: Bytes;
  readonly elements: Bytes;

  constructor(facts: ModuleFacts) {
    this.memories = Bytes.of(facts.memories64.length);
    this.tables = Bytes.of(facts.tables64.length);
    this.data = Bytes.of(facts.dataSegments);
    this.elements = Bytes.of(facts.elementSegments);
  }

  @inline
  add(feature: Feature): void {
    this.features |= feature;
  }
}
