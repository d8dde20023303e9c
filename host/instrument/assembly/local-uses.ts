import { Bytes, Ints } from './arrays.ts';

/** A distance of this says that the next byte adds to it. */
const MORE = 0xff;
const SPARE_BYTES = 16;

/** What {@link LocalUses.nextAt} says behind the last use of a function. */
export const NO_USE = 0x7fffffff;

/**
 * Where functions use their first declared local, whose number changes if the counter takes its place: one byte for each use,
 * its distance from the one before. A quarter of what is noted of the code are these, so they stand apart from the records of
 * code-recorder.ts, of which only writing the code wants to know them. Uses whose number takes more than one byte are records.
 *
 * Filled function by function, in the order of their numbers, and read in the same order, one function at a time.
 */
export class LocalUses {
  /** The use that is to be read next, as the offset of its instruction. */
  nextAt: i32 = NO_USE;
  private bytes: Bytes;
  private length: i32 = 0;
  /** Where those of each defined function start. */
  private readonly starts: Ints;
  private last: i32 = 0;
  private reading: i32 = 0;
  private readingEnd: i32 = 0;

  constructor(bodies: i32, codeBytes: i32) {
    this.bytes = Bytes.of((codeBytes >>> 4) + SPARE_BYTES);
    this.starts = Ints.of(bodies + 1);
  }

  /** Starts with the defined function `index`, whose code takes `bytes` from `offset` on. */
  enter(index: i32, offset: i32, bytes: i32): void {
    this.starts[index] = this.length;
    this.last = offset;
    // An instruction that uses a local has two bytes, so that uses and longer distances together have no more than the code.
    const needed = this.length + bytes;
    if (needed > this.bytes.length) this.bytes = Bytes.grown(this.bytes, needed);
  }

  /** The instruction at `at` is one. */
  add(at: i32): void {
    let distance = at - this.last;
    this.last = at;
    while (distance >= MORE) {
      this.bytes[this.length++] = MORE;
      distance -= MORE;
    }
    this.bytes[this.length++] = distance;
  }

  /** The defined function `index` has been read to its end. */
  close(index: i32): void {
    this.starts[index + 1] = this.length;
  }

  /** Reads those of the defined function `index` from now on, whose code starts at `offset`. */
  startReading(index: i32, offset: i32): void {
    this.reading = this.starts[index];
    this.readingEnd = this.starts[index + 1];
    this.nextAt = offset;
    this.readNext();
  }

  /** Moves `nextAt` to the use behind. */
  readNext(): void {
    if (this.reading === this.readingEnd) {
      this.nextAt = NO_USE;
      return;
    }
    let byte = this.bytes[this.reading++];
    while (byte === MORE) {
      this.nextAt += MORE;
      byte = this.bytes[this.reading++];
    }
    this.nextAt += byte;
  }
}
