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
  readonly #handles: ResourceHandle[] = [];

  add(handle: ResourceHandle): void {
    handle.lendCount++;
    this.#handles.push(handle);
  }

  /** Idempotent. */
  release(): void {
    for (const handle of this.#handles) handle.lendCount--;
    this.#handles.length = 0;
  }
}
