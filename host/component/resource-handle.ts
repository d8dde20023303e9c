import type { ResourceIndex } from '../model/link-plan.ts';

/** Who gave borrowed handles to the guest: a task, which must not return before the guest has dropped them. */
export interface BorrowScope {
  borrowCount: number;
}

/** CanonicalABI.md, "Resource State". `object` is the host's: resources of the guest's own need another linker. */
export class ResourceHandle {
  readonly resource: ResourceIndex;
  readonly object: object;
  /** Of a borrowed handle: its task. An owned one has none. */
  readonly scope: BorrowScope | undefined;
  /** Calls in flight that this handle was lent to; it cannot be given away meanwhile. */
  lendCount = 0;

  constructor(resource: ResourceIndex, object: object, scope: BorrowScope | undefined) {
    this.resource = resource;
    this.object = object;
    this.scope = scope;
  }

  get isOwned(): boolean {
    return this.scope === undefined;
  }
}

/** Handles that were lent to one call of the host, until it has returned. */
export class Lenders {
  #handles: ResourceHandle[] | undefined;

  add(handle: ResourceHandle): void {
    handle.lendCount++;
    if (this.#handles === undefined) this.#handles = [handle];
    else this.#handles.push(handle);
  }

  /** Idempotent. */
  release(): void {
    const handles = this.#handles;
    if (handles === undefined) return;
    // To shorten an array is a call into V8's runtime, 1 µs where caches are cold.
    this.#handles = undefined;
    for (let i = 0; i < handles.length; i++) handles[i]!.lendCount--;
  }
}
