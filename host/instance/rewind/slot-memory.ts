/**
 * One memory of a slot, and how it is put back.
 *
 * 1. A memory that has grown is given up: it cannot shrink.
 * 2. After `rewind` has returned true the memory equals its image byte for byte. After anything else it is not
 *    used again.
 */
import type { LoadedMemory } from './memory-image.ts';
import { KernelError, type MemoryRegion } from './memory-kernel.ts';
import { retireMemory } from './retired-memory.ts';
import type { RewindPolicy } from './rewind-policy.ts';
import type { Road } from './road.ts';
import { WrittenPages } from './written-pages.ts';

/**
 * A page that was written to once counts as written until it is discarded, and is copied back for ever after, 0.25 µs
 * each time. So this often, if more than a few have gathered, all of them are discarded; those that are written to
 * again then cost a fault of 2.5 µs.
 */
const DISCARD_EVERY = 256;
const FEW_BYTES = 64 * 4_096;

export class SlotMemory {
  readonly road: Road;
  readonly #memory: WebAssembly.Memory;
  readonly #image: LoadedMemory;
  readonly #policy: RewindPolicy;
  readonly #region: MemoryRegion | undefined;
  readonly #written: WrittenPages;
  #bytes: Uint8Array;
  #rewinds = 0;
  #keptBytes: number;

  /**
   * The memory holds what the image does. If the road leads over the kernel, the image is laid under it; where the
   * kernel refuses that, the memory takes another road.
   */
  constructor(memory: WebAssembly.Memory, image: LoadedMemory, fd: number | undefined, policy: RewindPolicy) {
    this.#memory = memory;
    this.#image = image;
    this.#policy = policy;
    this.#written = new WrittenPages(image, policy.pageFaults);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#keptBytes = image.lengthBytes;
    const { road, kernel, smallMemoryBytes } = policy;
    // An image without a file has no content, or could not be put into one.
    const isMappable = fd !== undefined || image.from === image.to;
    const usesKernel = (road === 'pagemap' || road === 'madvise') && isMappable;
    if (road === 'fresh' || image.lengthBytes === 0) this.road = road;
    else if (!usesKernel || kernel === undefined || image.lengthBytes <= smallMemoryBytes) this.road = 'copy';
    else {
      try {
        const region = kernel.region(memory);
        region.keepPagesSmall(0, image.lengthBytes);
        if (fd !== undefined && image.to > image.from) {
          region.mapPrivate(image.from, image.to, fd, image.fileOffset);
          region.keepPagesSmall(image.from, image.to);
        }
        // What instantiation wrote outside of the image is zero again, but takes up memory.
        region.discard(0, image.lengthBytes);
        this.#region = region;
        this.#keptBytes = 0;
        this.road = road;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.road = 'copy';
        this.#copyAll();
      }
    }
  }

  /** Memory that it has to itself after a rewind, about. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** It will not be used again, however large it has become. */
  retire(): void {
    retireMemory(this.#memory, this.#policy.kernel);
  }

  hasGrown(): boolean {
    const { buffer } = this.#memory;
    if (buffer.byteLength !== this.#image.lengthBytes) return true;
    // Growing by nothing leaves the memory where it is, but takes the old buffer away.
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return false;
  }

  /** Only after `hasGrown` was false. Throws `KernelError`. */
  rewind(): boolean {
    if (this.#image.lengthBytes === 0) return true;
    if (this.#image.bytes.length !== this.#image.to - this.#image.from)
      throw new KernelError('the image was disposed of', 0);
    switch (this.road) {
      case 'pagemap':
        this.#rewindWritten();
        return true;
      case 'madvise':
        this.#region!.discard(0, this.#image.lengthBytes);
        return true;
      case 'copy':
        this.#copyAll();
        return true;
      case 'fresh':
        return false;
    }
  }

  #rewindWritten(): void {
    const { touched } = this.#policy;
    const written = this.#written;
    const isDue = ++this.#rewinds % DISCARD_EVERY === 0;
    const isKnown = written.isCurrent();
    const isListed = isKnown || this.#region!.scan(touched);
    if (isListed && !isKnown) written.list(touched);
    if (!isListed || (isDue && written.bytes > FEW_BYTES)) {
      written.forget();
      this.#region!.discard(0, this.#image.lengthBytes);
      this.#keptBytes = 0;
      return;
    }
    this.#keptBytes = written.bytes + written.gatheredBytes;
    written.restore(this.#bytes);
    if (!isKnown) written.keep();
  }

  #copyAll(): void {
    const { bytes, from, to, lengthBytes } = this.#image;
    this.#bytes.fill(0, 0, from);
    this.#bytes.set(bytes, from);
    this.#bytes.fill(0, to, lengthBytes);
  }
}
