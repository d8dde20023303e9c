import type { TouchedRanges } from './touched-ranges.ts';

/**
 * What rewinding asks of the operating system. Offsets are in bytes from the start of a memory; those of a
 * mapping or a discard are multiples of {@link GRANULARITY}. Every method throws {@link KernelError} if the
 * system refuses.
 */
export interface MemoryKernel {
  /**
   * A file in memory, `lengthBytes` long, with the non-zero parts of `content` in it, sealed against any change.
   * Returns a descriptor that belongs to this thread: Node closes it when the thread ends, `closeFile` before.
   */
  createFile(content: readonly FilePart[], lengthBytes: number): number;
  /** A descriptor of this thread for the same file as `fd`, which may be another thread's and must be open. */
  openFile(fd: number): number;
  closeFile(fd: number): void;
  /** The file's content, shared with the file. Nothing may write to it. */
  viewFile(fd: number, lengthBytes: number): FileView;
  /** Throws {@link KernelError} too if the memory does not lie as mapping needs it. */
  region(memory: WebAssembly.Memory): MemoryRegion;
  /** How many page faults of the calling thread were served, of any kind and anywhere. */
  pageFaults(): number;
}

export interface FilePart {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

export interface FileView {
  readonly bytes: Uint8Array;
  /** Detaches `bytes`. */
  release(): void;
}

/** One memory of an instance, of the size that it had when the region was made. Not usable once it has grown. */
export interface MemoryRegion {
  /**
   * Lays the file, copy-on-write, over the memory's bytes: these are the file's from then on. If the kernel
   * refuses, the bytes are zero, and `KernelError` is thrown.
   */
  mapPrivate(from: number, to: number, fd: number, fileOffset: number): void;
  /** Drops what was written: mapped bytes are the file's again, others zero. */
  discard(from: number, to: number): void;
  /** Asks for pages of the least size, so that what is touched is known finely. */
  keepPagesSmall(from: number, to: number): void;
  /**
   * Notes the ranges that were written to since they were last discarded, or false if there are more than
   * `touched` wants.
   */
  scan(touched: TouchedRanges): boolean;
}

/** A Wasm page: a multiple of the page size of every machine that Node runs on. */
export const GRANULARITY = 65_536;

/** The system did not do what was asked. Rewinding takes another road then; nobody outside sees this. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(errno === 0 ? call : `${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}
