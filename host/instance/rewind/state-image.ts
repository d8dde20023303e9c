/**
 * The state that initialisation left in the core instances of a component: what every slot of it starts from.
 *
 * 1. An image owns one file in memory, by a descriptor that is its thread's own. Other threads open the same file
 *    for images of theirs (`share`, `adopt`), so that its pages are there once for the process; it is gone when the
 *    last image and the last slot are.
 * 2. An image never changes: its file is sealed.
 * 3. Slots copy back out of it: rewinding one whose image was disposed of fails.
 */
import { type CoreInstance, coreStateOf } from './core-state.ts';
import type { MemoryHeadrooms } from './memory-headroom.ts';
import {
  describeMemory,
  equalsImage,
  filePart,
  type LoadedMemory,
  type MemoryImage,
  populatedRanges,
} from './memory-image.ts';
import { type FileView, KernelError } from './memory-kernel.ts';
import type { RewindPolicy } from './rewind-policy.ts';
import { SlotMemory } from './slot-memory.ts';
import { SlotState } from './slot-state.ts';

/** A global's value if it means something to other slots: references do not. */
type GlobalValue = number | bigint | null;

/** What another thread needs for an image of the same state; can be posted. */
export interface SharedImage {
  readonly memories: readonly MemoryImage[];
  readonly globals: readonly GlobalValue[];
  readonly fileBytes: number;
  /** Of the thread that shares; open as long as its image is. */
  readonly fd: number | undefined;
  /** Content of the memories where there is no file. */
  readonly copies: readonly Uint8Array[];
  readonly obstacle: string | undefined;
}

export class StateImage implements Disposable {
  /** Why slots can be used once only, or undefined. */
  readonly obstacle: string | undefined;
  readonly #policy: RewindPolicy;
  readonly #memories: readonly LoadedMemory[];
  readonly #globals: readonly GlobalValue[];
  readonly #fd: number | undefined;
  readonly #view: FileView | undefined;
  #isDisposed = false;

  private constructor(policy: RewindPolicy, shared: SharedImage, fd: number | undefined) {
    this.#policy = policy;
    this.#globals = shared.globals;
    this.#fd = fd;
    this.obstacle = shared.obstacle;
    if (fd === undefined) {
      this.#memories = shared.memories.map((memory, i) => ({ ...memory, bytes: shared.copies[i]! }));
      return;
    }
    const view = policy.kernel!.viewFile(fd, shared.fileBytes);
    this.#view = view;
    this.#memories = shared.memories.map((memory) => ({
      ...memory,
      bytes: view.bytes.subarray(memory.fileOffset, memory.fileOffset + memory.to - memory.from),
    }));
  }

  /**
   * Takes the state of the first slot, right after its initialisation; `apply` makes that slot, too, share the
   * image. State that cannot be put back gives an image of slots that are used once.
   */
  static capture(
    instances: readonly CoreInstance[],
    policy: RewindPolicy,
    headrooms?: MemoryHeadrooms,
  ): StateImage {
    const state = policy.road === 'fresh' ? 'rewinding is turned off' : coreStateOf(instances, headrooms);
    if (typeof state === 'string') return StateImage.#singleUse(policy, state);
    const memories: MemoryImage[] = [];
    const contents = state.memories.map((memory) => new Uint8Array(memory.buffer));
    let fileBytes = 0;
    for (const [i, bytes] of contents.entries()) {
      const memory = describeMemory(bytes, fileBytes, populatedRanges(state.memories[i]!, policy));
      memories.push(memory);
      fileBytes += memory.to - memory.from;
    }
    const globals = state.globals.map(({ value }) => sharedValue(value));
    const shared = { memories, globals, fileBytes, fd: undefined, copies: [], obstacle: undefined };
    if (policy.kernel !== undefined && fileBytes > 0) {
      const parts = contents.map((bytes, i) => filePart(bytes, memories[i]!));
      const image = StateImage.#onFile(policy, shared, () => policy.kernel!.createFile(parts, fileBytes));
      if (image !== undefined) return image;
    }
    const copies = contents.map((bytes, i) => bytes.slice(memories[i]!.from, memories[i]!.to));
    return new StateImage(policy, { ...shared, copies }, undefined);
  }

  /** An image on this thread of what another thread's image, which must still be there, shares. */
  static adopt(shared: SharedImage, policy: RewindPolicy): StateImage {
    if (shared.obstacle !== undefined) return StateImage.#singleUse(policy, shared.obstacle);
    const { fd } = shared;
    if (fd === undefined) return new StateImage(policy, shared, undefined);
    const image = policy.kernel && StateImage.#onFile(policy, shared, () => policy.kernel!.openFile(fd));
    return image ?? StateImage.#singleUse(policy, 'the image cannot be opened');
  }

  static #onFile(policy: RewindPolicy, shared: SharedImage, open: () => number): StateImage | undefined {
    let fd: number | undefined;
    try {
      fd = open();
      return new StateImage(policy, shared, fd);
    } catch (error) {
      if (fd !== undefined) policy.kernel!.closeFile(fd);
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  static #singleUse(policy: RewindPolicy, obstacle: string): StateImage {
    const shared = { memories: [], globals: [], fileBytes: 0, fd: undefined, copies: [], obstacle };
    return new StateImage(policy, shared, undefined);
  }

  /** Bytes that the image holds in memory, once for all threads that share it. */
  get sizeBytes(): number {
    return this.#memories.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  share(): SharedImage {
    return {
      memories: this.#memories.map(({ lengthBytes, from, to, fileOffset }) => ({
        lengthBytes,
        from,
        to,
        fileOffset,
      })),
      globals: this.#globals,
      fileBytes: this.#view?.bytes.length ?? 0,
      fd: this.#fd,
      copies: this.#fd === undefined ? this.#memories.map(({ bytes }) => bytes) : [],
      obstacle: this.obstacle,
    };
  }

  /**
   * Makes a slot that was just initialised share the image. Returns undefined if it is not in the very state that
   * was captured (initialisation that depends on a clock or on randomness): it needs an image of its own.
   */
  apply(instances: readonly CoreInstance[], headrooms?: MemoryHeadrooms): SlotState | undefined {
    if (this.#isDisposed) throw new TypeError('The image was disposed of.');
    if (this.obstacle !== undefined) return new SlotState(undefined, []);
    const state = coreStateOf(instances, headrooms);
    if (typeof state === 'string') return undefined;
    if (state.memories.length !== this.#memories.length) return undefined;
    if (state.globals.length !== this.#globals.length) return undefined;
    if (!state.globals.every(({ value }, i) => Object.is(sharedValue(value), this.#globals[i])))
      return undefined;
    const isEqual = (memory: WebAssembly.Memory, i: number): boolean =>
      equalsImage(new Uint8Array(memory.buffer), this.#memories[i]!, populatedRanges(memory, this.#policy));
    if (!state.memories.every(isEqual)) return undefined;
    const memories = state.memories.map(
      (memory, i) => new SlotMemory(memory, this.#memories[i]!, this.#fd, this.#policy),
    );
    return new SlotState(state, memories);
  }

  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#view?.release();
    if (this.#fd !== undefined) this.#policy.kernel!.closeFile(this.#fd);
  }
}

function sharedValue(value: unknown): GlobalValue {
  return typeof value === 'number' || typeof value === 'bigint' ? value : null;
}
