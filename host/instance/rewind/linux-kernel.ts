/**
 * Linux' side of rewinding, through `node:ffi`: the only module that handles raw addresses.
 *
 * 1. An address never leaves this module. It is that of a live `WebAssembly.Memory`, which the region holds, or
 *    that of a file's view, which is detached before it is unmapped.
 * 2. Before each call the memory is what it was when the region was made: same length, and thereby (V8 moves a
 *    memory only when it grows) same place. Ranges lie within it.
 * 3. Every result is checked. A mapping that fails half-way is replaced by zero pages, so that V8's memory never
 *    has a hole that JavaScript could fall into.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type Ffi, loadFfi } from '../../ffi.ts';
import {
  type FilePart,
  type FileView,
  GRANULARITY,
  KernelError,
  type MemoryKernel,
  type MemoryRegion,
} from './memory-kernel.ts';
import type { TouchedRanges } from './touched-ranges.ts';

const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
/** Without it the kernel might refuse a mapping after it has taken the old one away (strict overcommit). */
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = 2n ** 64n - 1n;
const MADV_DONTNEED = 4;
const MADV_NOHUGEPAGE = 15;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1_033;
/** seal, shrink, grow, write */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;
const EINVAL = 22;
/** A block of zeros of this size is left out of a file. */
const BLOCK = 4_096;

/** `PAGEMAP_SCAN`, since Linux 6.7: _IOWR('f', 16, struct pm_scan_arg), which is twelve u64. */
const PAGEMAP_SCAN = 0xc0606610n;
const SCAN_ARGUMENT_BYTES = 96;
const PAGE_IS_FILE = 1 << 2;
const PAGE_IS_PRESENT = 1 << 3;
const PAGE_IS_SWAPPED = 1 << 4;
const PAGE_IS_PFNZERO = 1 << 5;
const PAGE_REGION_BYTES = 24;
const MAX_REGIONS = 1_024;

/** `struct rusage`: two times of two words each, then fourteen words, all of 64 bits. */
const RUSAGE_THREAD = 1;
const RUSAGE_BYTES = 18 * 8;
const MINOR_FAULTS = 64 / 4;
const MAJOR_FAULTS = 72 / 4;

const SIGNATURES = {
  mmap: { return: 'pointer', arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'] },
  munmap: { return: 'int32', arguments: ['pointer', 'uint64'] },
  madvise: { return: 'int32', arguments: ['pointer', 'uint64', 'int32'] },
  memfd_create: { return: 'int32', arguments: ['pointer', 'uint32'] },
  fcntl: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'pointer'] },
  close: { return: 'int32', arguments: ['int32'] },
  getrusage: { return: 'int32', arguments: ['int32', 'pointer'] },
  __errno_location: { return: 'pointer', arguments: [] },
} as const;

type Calls = ReturnType<typeof openLibrary>['functions'];

function openLibrary(ffi: Ffi) {
  // Node itself is linked to the C library, glibc's or musl's; its name need not be known.
  return ffi.dlopen(null, SIGNATURES);
}

/** The kernel of this machine, or why there is none: another system, another Node, a seccomp filter. */
export function openLinuxKernel(): MemoryKernel | string {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`;
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `not tried on ${process.arch}`;
  try {
    const ffi = loadFfi();
    return ffi === undefined ? 'this Node has no node:ffi' : new LinuxKernel(ffi);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

class LinuxKernel implements MemoryKernel {
  readonly #ffi: Ffi;
  readonly #calls: Calls;
  /** 96 bytes of argument and the ranges behind it; its backing store never moves. */
  readonly #scan = new Uint32Array((SCAN_ARGUMENT_BYTES + PAGE_REGION_BYTES * MAX_REGIONS) / 4);
  readonly #scanAddress: bigint;
  readonly #usage = new Uint32Array(RUSAGE_BYTES / 4);
  readonly #usageAddress: bigint;
  #pagemap: number | undefined;

  constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#calls = openLibrary(ffi).functions;
    this.#scanAddress = ffi.getRawPointer(this.#scan);
    this.#usageAddress = ffi.getRawPointer(this.#usage);
  }

  createFile(content: readonly FilePart[], lengthBytes: number): number {
    const name = Buffer.alloc(128);
    name.write('mayfly-image');
    const raw = this.#calls.memfd_create(this.#ffi.getRawPointer(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (raw < 0) this.#fail('memfd_create');
    let fd: number;
    try {
      // Opened again through Node, which then closes it if this thread is ended before it can.
      fd = this.openFile(raw, 'r+');
    } finally {
      this.#calls.close(raw);
    }
    try {
      ftruncateSync(fd, lengthBytes);
      for (const { bytes, offset } of content) writeSparsely(fd, bytes, offset);
      if (this.#calls.fcntl(fd, F_ADD_SEALS, ALL_SEALS) !== 0) this.#fail('fcntl(F_ADD_SEALS)');
      return fd;
    } catch (error) {
      closeSync(fd);
      throw asKernelError(error);
    }
  }

  openFile(fd: number, flags: 'r' | 'r+' = 'r'): number {
    try {
      return openSync(`/proc/self/fd/${fd}`, flags);
    } catch (error) {
      throw asKernelError(error);
    }
  }

  closeFile(fd: number): void {
    closeSync(fd);
  }

  viewFile(fd: number, lengthBytes: number): FileView {
    const length = BigInt(lengthBytes);
    // Private, since before Linux 6.7 a file sealed against writing could not be mapped as shared.
    const address = this.#calls.mmap(0n, length, PROT_READ, MAP_PRIVATE, fd, 0n);
    if (address === MAP_FAILED) this.#fail('mmap of a view');
    const buffer = this.#ffi.toArrayBuffer(address, lengthBytes, false);
    const release = (): void => {
      if (buffer.detached) return;
      buffer.transfer(0);
      if (!buffer.detached) throw new KernelError('the view of a file cannot be detached', 0);
      this.#calls.munmap(address, length);
    };
    return { bytes: new Uint8Array(buffer), release };
  }

  region(memory: WebAssembly.Memory): MemoryRegion {
    return new Region(memory, this.#ffi.getRawPointer(memory.buffer), this.#calls, {
      fail: (call) => this.#fail(call),
      scan: (address, length, touched) => this.#scanPages(address, length, touched),
    });
  }

  pageFaults(): number {
    if (this.#calls.getrusage(RUSAGE_THREAD, this.#usageAddress) !== 0) this.#fail('getrusage');
    return read64(this.#usage, MINOR_FAULTS) + read64(this.#usage, MAJOR_FAULTS);
  }

  #fail(call: string): never {
    throw new KernelError(call, this.#ffi.getInt32(this.#calls.__errno_location()));
  }

  /**
   * Pages that are private to this process: neither the file's own nor the shared page of zeros, in memory or
   * swapped out. (`PRESENT` alone, as man pages have it, would lose the pages that were swapped out.)
   */
  #scanPages(address: bigint, length: number, touched: TouchedRanges): boolean {
    this.#pagemap ??= openSync('/proc/self/pagemap', 'r');
    const argument = this.#scan;
    const capacity = Math.min(MAX_REGIONS, touched.maxRanges);
    argument.fill(0, 0, SCAN_ARGUMENT_BYTES / 4);
    argument[0] = SCAN_ARGUMENT_BYTES;
    write64(argument, 2, address);
    write64(argument, 3, address + BigInt(length));
    write64(argument, 5, this.#scanAddress + BigInt(SCAN_ARGUMENT_BYTES));
    argument[12] = capacity;
    argument[16] = PAGE_IS_FILE | PAGE_IS_PFNZERO; // category_inverted
    argument[18] = PAGE_IS_FILE | PAGE_IS_PFNZERO; // category_mask
    argument[20] = PAGE_IS_PRESENT | PAGE_IS_SWAPPED; // category_anyof_mask
    argument[22] = PAGE_IS_PRESENT | PAGE_IS_SWAPPED; // return_mask
    const found = this.#calls.ioctl(this.#pagemap, PAGEMAP_SCAN, this.#scanAddress);
    if (found < 0) this.#fail('ioctl(PAGEMAP_SCAN)');
    const start = Number(address);
    const walkEnd = read64(argument, 8) - start;
    touched.clear();
    for (let i = 0; i < found; i++) {
      const at = (SCAN_ARGUMENT_BYTES + i * PAGE_REGION_BYTES) / 4;
      const from = read64(argument, at) - start;
      const to = read64(argument, at + 2) - start;
      if (!(from >= 0 && from < to && to <= length)) throw new KernelError('PAGEMAP_SCAN left its range', 0);
      touched.add(from, to);
      if (touched.bytes > touched.maxBytes) return false;
    }
    return walkEnd >= length;
  }
}

interface RegionCalls {
  fail(call: string): never;
  scan(address: bigint, length: number, touched: TouchedRanges): boolean;
}

class Region implements MemoryRegion {
  readonly #memory: WebAssembly.Memory;
  readonly #length: number;
  readonly #address: bigint;
  readonly #calls: Calls;
  readonly #kernel: RegionCalls;

  constructor(memory: WebAssembly.Memory, address: bigint, calls: Calls, kernel: RegionCalls) {
    this.#memory = memory;
    this.#length = memory.buffer.byteLength;
    this.#address = address;
    this.#calls = calls;
    this.#kernel = kernel;
    if (address === 0n || address % BigInt(GRANULARITY) !== 0n) {
      throw new KernelError('the memory is not aligned to Wasm pages', 0);
    }
  }

  mapPrivate(from: number, to: number, fd: number, fileOffset: number): void {
    const [address, length] = this.#range(from, to);
    if (!Number.isSafeInteger(fileOffset) || fileOffset < 0 || fileOffset % GRANULARITY !== 0) {
      throw new KernelError('the offset in the file is not that of a page', 0);
    }
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
    const mapped = this.#calls.mmap(address, length, PROT_READ_WRITE, flags, fd, BigInt(fileOffset));
    if (mapped === address) return;
    // Invariant 3.
    this.#calls.mmap(address, length, PROT_READ_WRITE, flags | MAP_ANONYMOUS, -1, 0n);
    this.#kernel.fail('mmap over a memory');
  }

  discard(from: number, to: number): void {
    const [address, length] = this.#range(from, to);
    if (this.#calls.madvise(address, length, MADV_DONTNEED) !== 0)
      this.#kernel.fail('madvise(MADV_DONTNEED)');
  }

  keepPagesSmall(from: number, to: number): void {
    const [address, length] = this.#range(from, to);
    // A kernel without huge pages answers EINVAL, and has only small ones.
    this.#calls.madvise(address, length, MADV_NOHUGEPAGE);
  }

  scan(touched: TouchedRanges): boolean {
    const [address] = this.#range(0, this.#length);
    return this.#kernel.scan(address, this.#length, touched);
  }

  #range(from: number, to: number): [address: bigint, length: bigint] {
    if (this.#memory.buffer.byteLength !== this.#length) throw new KernelError('the memory has grown', 0);
    const isWithin = from >= 0 && from < to && to <= this.#length;
    if (!isWithin || from % GRANULARITY !== 0 || to % GRANULARITY !== 0) {
      throw new KernelError(`[${from}, ${to}) is no range of the memory`, 0);
    }
    return [this.#address + BigInt(from), BigInt(to - from)];
  }
}

function writeSparsely(fd: number, bytes: Uint8Array, offset: number): void {
  const zeros = Buffer.alloc(BLOCK);
  for (let from = 0; from < bytes.length; ) {
    let to = from;
    while (to < bytes.length && !isZero(bytes, to, zeros)) to += BLOCK;
    to = Math.min(to, bytes.length);
    for (let at = from; at < to; ) at += writeSync(fd, bytes, at, to - at, offset + at);
    from = to;
    while (from < bytes.length && isZero(bytes, from, zeros)) from += BLOCK;
  }
}

function isZero(bytes: Uint8Array, at: number, zeros: Buffer): boolean {
  const end = Math.min(at + BLOCK, bytes.length);
  return zeros.compare(bytes, at, end, 0, end - at) === 0;
}

function asKernelError(error: unknown): KernelError {
  if (error instanceof KernelError) return error;
  const errno = error instanceof Error && 'errno' in error ? Math.abs(Number(error.errno)) : EINVAL;
  return new KernelError(error instanceof Error ? error.message : String(error), errno);
}

/** Exact: without being asked to, Linux gives out no address of more than 47 bits, and nobody counts as far. */
function read64(words: Uint32Array, at: number): number {
  return words[at]! + words[at + 1]! * 2 ** 32;
}

function write64(words: Uint32Array, index: number, value: bigint): void {
  words[index * 2] = Number(value & 0xffff_ffffn);
  words[index * 2 + 1] = Number(value >> 32n);
}
