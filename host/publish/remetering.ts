/**
 * Makes artifacts of older pipelines again, out of the uploads that lie in them, while the host serves: what an upgrade mended, in
 * checks, in metering or in glue, is then mended in what was published before it, too.
 *
 * Owns the list of what is still to be made. It is kept nowhere: an artifact is older if it does not lie where this pipeline would put it,
 * so a host that was killed goes on where it was.
 *
 * Invariants:
 *  1. One artifact at a time, in the one publishing process, and only when no upload waits for that.
 *  2. Tenants take turns. Of each, what was called last comes first, then what is live, then what could be made live again.
 *  3. A version keeps its number, digest, handler and settings. Its artifact is replaced when the new one is on the disk; what runs
 *     goes on with the old one, which stays for as long as somebody who resolved the function before may load it.
 *  4. What cannot be made again goes on as it is, and the operator is told which versions, and why. It is tried again when the operator says
 *     so, or the host starts.
 *  5. What a newer pipeline made stays: the operator has gone back to this release.
 */

import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MayflyError, toErrorMessage } from '../errors/errors.ts';
import { ARTIFACT_FILES, type ArtifactManifest } from '../model/artifact.ts';
import type { TenantName } from '../model/ids.ts';
import type { RemeteringFailure, RemeteringStatus, RunningVersion } from '../model/remetering.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import type { ArtifactInUse } from '../store/version-artifacts.ts';
import { isOfOlderPipeline, isOfThisPipeline } from './artifact-key.ts';
import type { Publisher } from './publisher.ts';
import { Turns } from './turns.ts';

export interface RemeteringPorts {
  readonly isWanted: boolean;
  readonly artifacts: Pick<ArtifactStore, 'folder' | 'readManifest'>;
  readonly publisher: Pick<Publisher, 'publishAgain'>;
  /** Artifacts that versions run on, in the order in which they are to be made again. */
  inUse(): Iterable<ArtifactInUse>;
  /** Those that have versions which run on an artifact. */
  tenantsOf(key: string): readonly TenantName[];
  /** These versions. */
  versionsOf(key: string): readonly RunningVersion[];
  /** Has a tenant's versions that run on an artifact run on another one. */
  replace(tenant: TenantName, from: string, to: string): void;
  /** No version runs on it any more. */
  superseded(key: string): void;
  /** When everything that was replaced is on the disk. */
  durable(): Promise<void>;
  /** Removes no artifact meanwhile. */
  keepingAll<T>(work: () => Promise<T>): Promise<T>;
  nowMs(): number;
  /** For the operator. */
  report(message: string, error?: unknown): void;
}

/** How long the event loop may be kept by looking through what there is: 20 µs for each artifact. */
const SLICE_MS = 10;

/** The operator hears how far it has come once in so many artifacts. */
const REPORT_EVERY = 100;

export class Remetering {
  readonly #ports: RemeteringPorts;
  readonly #turns = new Turns<string>();
  readonly #failures = new Map<string, Omit<RemeteringFailure, 'versions' | 'artifactKey'>>();
  #current: string | undefined;
  #done = 0;
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(ports: RemeteringPorts) {
    this.#ports = ports;
  }

  get status(): RemeteringStatus {
    const failed = [...this.#failures].flatMap(([artifactKey, failure]) => {
      const versions = this.#ports.versionsOf(artifactKey);
      return versions.length === 0 ? [] : [{ ...failure, artifactKey, versions }];
    });
    return {
      isWanted: this.#ports.isWanted,
      waiting: this.#turns.size + (this.#current === undefined ? 0 : 1),
      done: this.#done,
      failed,
    };
  }

  /** Looks for what older pipelines made, and begins to make it again. Call once. */
  start(): void {
    this.#working = this.#run(() => this.#look());
  }

  /** Tries again what failed. */
  retry(): RemeteringStatus {
    if (this.#ports.isWanted && !this.#isClosed) {
      const failed = [...this.#failures.keys()];
      this.#failures.clear();
      for (const key of failed) this.#enqueue(key);
      const before = this.#working;
      if (failed.length > 0) this.#working = this.#run(async () => before);
    }
    return this.status;
  }

  /** Begins no other artifact. Resolves when nothing of it runs; the publisher has to be closed for that, or to have done. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
  }

  async #run(first: () => Promise<void>): Promise<void> {
    try {
      await first();
      await this.#work();
    } catch (error) {
      this.#ports.report('artifacts of older releases were not metered again', error);
    }
  }

  async #look(): Promise<void> {
    let sinceMs = performance.now();
    for (const artifact of this.#ports.inUse()) {
      if (performance.now() - sinceMs > SLICE_MS) {
        await nextTurn();
        if (this.#isClosed) return;
        sinceMs = performance.now();
      }
      // What it was made by is in its manifest, which is read when its turn comes.
      if (!isOfThisPipeline(artifact.artifactKey, artifact)) this.#enqueue(artifact.artifactKey);
    }
  }

  #enqueue(key: string): void {
    this.#turns.wait(this.#ports.tenantsOf(key), key);
  }

  async #work(): Promise<void> {
    const { isWanted, report } = this.#ports;
    const count = this.#turns.size;
    if (count === 0 || this.#isClosed) return;
    if (!isWanted) {
      report(`not metered again, since MAYFLY_REMETERING is 0: ${artifacts(count)}`);
      return;
    }
    report(`metering again what older releases published: ${artifacts(count)}`);
    const startMs = performance.now();
    const doneBefore = this.#done;
    for (let key = this.#turns.take(); key !== undefined && !this.#isClosed; key = this.#turns.take()) {
      this.#current = key;
      await this.#renew(key);
      this.#current = undefined;
      const done = this.#done - doneBefore;
      if (done > 0 && done % REPORT_EVERY === 0 && this.#turns.size > 0)
        report(`metered again: ${artifacts(done)}; ${this.#turns.size} wait`);
    }
    if (this.#isClosed) return;
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    const failed = this.#failures.size === 0 ? '' : `; ${this.#failures.size} could not be`;
    report(`metered again: ${artifacts(this.#done - doneBefore)}, in ${seconds} s${failed}`);
  }

  async #renew(key: string): Promise<void> {
    try {
      if (this.#ports.tenantsOf(key).length === 0) return;
      await this.#ports.keepingAll(async () => {
        const manifest = await this.#ports.artifacts.readManifest(key);
        if (!isOfOlderPipeline(key, manifest)) return;
        await this.#replace(key, await this.#make(key, manifest));
        this.#done++;
      });
    } catch (error) {
      if (!this.#isClosed) this.#failed(key, error);
    }
  }

  /** @returns where the new one lies */
  async #make(key: string, { digest, handler, modules, sizes }: ArtifactManifest): Promise<string> {
    const { artifacts: store, publisher } = this.#ports;
    const job = {
      uploadPath: join(store.folder(key), ARTIFACT_FILES.upload),
      digest,
      uploadBytes: sizes.uploadBytes,
      // No more than before, which is what its functions may have.
      memoryBytes: modules.reduce((sum, { initialMemoryBytes }) => sum + initialMemoryBytes, 0),
    };
    // Without a wish it lies where the upload is found when it is published again, as most are.
    const preferred = await publisher.publishAgain(job);
    if (preferred.manifest.handler === handler) return preferred.artifactKey;
    return (await publisher.publishAgain({ ...job, handler })).artifactKey;
  }

  async #replace(from: string, to: string): Promise<void> {
    const { tenantsOf, replace, superseded, durable } = this.#ports;
    for (const tenant of tenantsOf(from)) {
      replace(tenant, from, to);
      await nextTurn();
    }
    superseded(from);
    await durable();
  }

  #failed(key: string, error: unknown): void {
    const { code, detail } = reasonOf(error);
    this.#failures.set(key, { code, detail, atMs: this.#ports.nowMs() });
    const [first, ...others] = this.#ports.versionsOf(key);
    if (first === undefined) return;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    this.#ports.report(
      `${first.tenant}/${first.name} version ${first.version}${more} could not be metered again, and runs as it was published ` +
        `(deploy it again, or \`mayfly remetering retry\`): ${code}: ${detail}`,
    );
  }
}

function artifacts(count: number): string {
  return count === 1 ? '1 artifact' : `${count} artifacts`;
}

/** For operators: of what should not have happened they are told what did. */
function reasonOf(error: unknown): Pick<RemeteringFailure, 'code' | 'detail'> {
  const { code, detail } = toErrorMessage(error);
  if (code !== 'internal_error') return { code, detail };
  const cause = error instanceof MayflyError && error.cause !== undefined ? error.cause : error;
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
  return { code, detail: line };
}
