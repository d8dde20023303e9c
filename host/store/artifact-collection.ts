/**
 * Removes artifacts that no version names any more: of deleted functions and tenants, and of a publish that was cut
 * off before it was registered.
 *
 * Invariants:
 *  1. Nothing is removed while a publish is under way: it may have found its artifact in the store already, and
 *     names it only when it ends. A publish that comes meanwhile waits for the removal, which takes milliseconds.
 *  2. However often it is asked for, one collection runs at a time, and one more after the last request.
 *  3. What is spared stays for as long as that, whether a version names it or not.
 */
export interface ArtifactCollectionPorts {
  readonly keys: () => Promise<readonly string[]>;
  readonly inUse: () => ReadonlySet<string>;
  readonly remove: (key: string) => Promise<void>;
  /** For the operator: an artifact that could not be removed; the next collection tries again. */
  readonly report: (message: string, error: unknown) => void;
}

export class ArtifactCollection {
  readonly #ports: ArtifactCollectionPorts;
  readonly #spared = new Set<string>();
  #publishing = 0;
  #isWanted = false;
  #collecting: Promise<void> | undefined;

  constructor(ports: ArtifactCollectionPorts) {
    this.#ports = ports;
  }

  /** Runs a publish, from before it looks into the store until its version is registered. */
  async publishing<T>(work: () => Promise<T>): Promise<T> {
    while (this.#collecting) await this.#collecting;
    this.#publishing++;
    try {
      return await work();
    } finally {
      this.#publishing--;
      this.#collectIfWanted();
    }
  }

  /** Runs what needs every artifact that is named now to stay, though it may take long; what is given up meanwhile goes afterwards. */
  keepingAll<T>(work: () => Promise<T>): Promise<T> {
    return this.publishing(work);
  }

  /** Keeps an artifact until then, and for good where that fails; then it goes, if no version names it. */
  spare(key: string, until: Promise<void>): void {
    this.#spared.add(key);
    const end = (): void => {
      this.#spared.delete(key);
      this.collectSoon();
    };
    until.then(end, () => {});
  }

  /** As soon as nothing is being published. */
  collectSoon(): void {
    this.#isWanted = true;
    this.#collectIfWanted();
  }

  /** Resolves once a collection that was asked for now, or before, has ended. Only while nothing is published. */
  async collect(): Promise<void> {
    this.collectSoon();
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.#collecting) await this.#collecting;
  }

  #collectIfWanted(): void {
    if (!this.#isWanted || this.#publishing > 0 || this.#collecting) return;
    this.#isWanted = false;
    this.#collecting = this.#collect().finally(() => {
      this.#collecting = undefined;
      this.#collectIfWanted();
    });
  }

  async #collect(): Promise<void> {
    const { keys, inUse, remove, report } = this.#ports;
    try {
      const stored = await keys();
      const used = inUse();
      await Promise.all(stored.filter((key) => !used.has(key) && !this.#spared.has(key)).map(remove));
    } catch (error) {
      report('artifacts that nobody uses were not removed', error);
    }
  }
}
