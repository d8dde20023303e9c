import { openLinuxKernel } from './linux-kernel.ts';
import { GRANULARITY, KernelError, type MemoryKernel } from './memory-kernel.ts';
import { ROADS, type Road, type RoadWish } from './road.ts';
import { TouchedRanges } from './touched-ranges.ts';

/** How one thread rewinds. A thread makes one when it starts, and all its images share it. */
export interface RewindPolicy {
  readonly road: Road;
  /** Why it is not a better one, in the order in which they were tried; empty if it is what was wished for. */
  readonly reasons: readonly string[];
  readonly kernel: MemoryKernel | undefined;
  /** Memories of up to this size are copied back whole, without any system call. */
  readonly smallMemoryBytes: number;
  readonly touched: TouchedRanges;
  /**
   * Page faults that this thread has had so far: a page that is written to for the first time is one more. Undefined where
   * the kernel does not count them.
   */
  readonly pageFaults: (() => number) | undefined;
}

/**
 * Copying 128 KiB takes as long as asking the kernel which pages of them were touched; see
 * docs/decisions/0007-rewinding.md for this and the following.
 */
const SMALL_MEMORY_BYTES = 2 * GRANULARITY;
/** A slot keeps this much written memory; when there is more, the kernel drops all of it. */
const MAX_KEPT_BYTES = 8 * 2 ** 20;
const MAX_RANGES = 1_024;

/**
 * Probes, on a memory made for it, what this thread's kernel can do, and settles for the first road that works:
 * the one wished for or, from there, the next.
 */
export function choosePolicy(
  wish: RoadWish,
  kernel: MemoryKernel | string = wish === 'copy' || wish === 'fresh' ? 'not asked for' : openLinuxKernel(),
): RewindPolicy {
  const touched = new TouchedRanges(MAX_RANGES, MAX_KEPT_BYTES);
  const reasons: string[] = [];
  const roads = ROADS.slice(wish === 'auto' ? 0 : ROADS.indexOf(wish));
  for (const road of roads) {
    const needsKernel = road === 'pagemap' || road === 'madvise';
    const reason = !needsKernel ? undefined : typeof kernel === 'string' ? kernel : probe(road, kernel);
    if (reason === undefined) {
      return {
        road,
        reasons,
        kernel: needsKernel && typeof kernel !== 'string' ? kernel : undefined,
        smallMemoryBytes: wish === 'auto' ? SMALL_MEMORY_BYTES : 0,
        touched,
        pageFaults:
          road === 'pagemap' && typeof kernel !== 'string' && countsFaults(kernel)
            ? () => kernel.pageFaults()
            : undefined,
      };
    }
    reasons.push(`${road}: ${reason}`);
  }
  throw new RangeError('the last road needs nothing');
}

/** Why a road cannot be taken, found by taking it: three pages, of which the middle one is an image. */
function probe(road: 'pagemap' | 'madvise', kernel: MemoryKernel): string | undefined {
  const image = new Uint8Array(GRANULARITY).fill(0xa5);
  const memory = new WebAssembly.Memory({ initial: 3, maximum: 3 });
  const bytes = new Uint8Array(memory.buffer);
  const isRewound = (): boolean =>
    bytes[0] === 0 && bytes[GRANULARITY] === 0xa5 && bytes[GRANULARITY * 2 + 9] === 0;
  const write = (): void => {
    bytes[GRANULARITY] = 1;
    bytes[GRANULARITY * 2 + 9] = 1;
  };
  let fd: number | undefined;
  try {
    fd = kernel.createFile([{ bytes: image, offset: 0 }], GRANULARITY);
    const region = kernel.region(memory);
    region.mapPrivate(GRANULARITY, 2 * GRANULARITY, fd, 0);
    region.keepPagesSmall(0, 3 * GRANULARITY);
    region.discard(0, 3 * GRANULARITY);
    if (!isRewound()) return 'a mapped image does not show';
    if (road === 'pagemap') {
      const touched = new TouchedRanges(16, 3 * GRANULARITY);
      if (!region.scan(touched) || touched.count !== 0) return 'pages that were read count as written';
      write();
      const isComplete = region.scan(touched);
      const froms = Array.from({ length: touched.count }, (_, i) => touched.from(i));
      if (!isComplete || `${froms}` !== `${[GRANULARITY, 2 * GRANULARITY]}`)
        return 'written pages are not found';
    }
    write();
    region.discard(0, 3 * GRANULARITY);
    return isRewound() ? undefined : 'what was written stays';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    if (fd !== undefined) kernel.closeFile(fd);
  }
}

/** Whether the first write to a page shows, whatever it held before: the image or zeros, read before or not. */
function countsFaults(kernel: MemoryKernel): boolean {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
  const bytes = new Uint8Array(memory.buffer);
  const isCounted = (page: number): boolean => {
    const before = kernel.pageFaults();
    bytes[page * GRANULARITY] = 1;
    return kernel.pageFaults() > before;
  };
  let fd: number | undefined;
  try {
    const bytesOfImage = new Uint8Array(2 * GRANULARITY).fill(0xa5);
    fd = kernel.createFile([{ bytes: bytesOfImage, offset: 0 }], bytesOfImage.length);
    const region = kernel.region(memory);
    region.keepPagesSmall(0, bytes.length);
    region.mapPrivate(0, bytesOfImage.length, fd, 0);
    region.keepPagesSmall(0, bytesOfImage.length);
    const read = bytes[GRANULARITY]! + bytes[3 * GRANULARITY]!;
    return read === 0xa5 && [0, 1, 2, 3].every(isCounted);
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  } finally {
    if (fd !== undefined) kernel.closeFile(fd);
  }
}
