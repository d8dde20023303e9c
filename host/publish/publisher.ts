/**
 * Publishes uploads: one warm process beside the host makes artifacts of them, one at a time, so that no upload
 * can take the host's event loop, its memory or its life with it.
 *
 * Owns the publishing process, the queue before it and every staging folder that a job of it uses.
 *
 * Invariants:
 *  1. At most one job runs, and at most `queue` uploads wait; more are refused at once. What is published again comes when no upload
 *     waits, and takes none of these places.
 *  2. A job that fails leaves nothing in staging and nothing in the artifacts.
 *  3. A process that died or is spent serves no other job; the next job starts a fresh one.
 *  4. An artifact is committed by the host alone, after its process said that it is complete.
 */
import { MayflyError } from '../errors/errors.ts';
import type { ArtifactManifest, HandlerKind, PublishStep } from '../model/artifact.ts';
import type { Digest } from '../model/ids.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import { artifactKey } from './artifact-key.ts';
import { assertMemoryFits } from './initial-memory.ts';
import type { PipelineResult } from './messages.ts';
import { PublishChild } from './publish-child.ts';
import { toMicroseconds } from './step-clock.ts';

export interface PublisherOptions {
  readonly artifacts: ArtifactStore;
  /** Wall-clock time of one job, from its start (waiting does not count). */
  readonly timeoutMs: number;
  /** Resident memory of the publishing process. */
  readonly memoryBytes: number;
  /** Jobs that may wait. */
  readonly queue: number;
}

export interface PublishJob {
  /** The uploaded file; it must stay until the job has settled. */
  readonly uploadPath: string;
  readonly digest: Digest;
  readonly uploadBytes: number;
  /** Asks for one kind of handler; without, the preferred one that the component has. */
  readonly handler?: HandlerKind;
  /** What the component's memories may have at the start, over all. */
  readonly memoryBytes: number;
  /** Hears of each step as it begins and ends. */
  readonly onProgress?: OnPublishProgress | undefined;
}

export interface Published {
  readonly artifactKey: string;
  readonly manifest: ArtifactManifest;
  /** Empty if the artifact was there before. */
  readonly steps: readonly PublishStep[];
  readonly created: boolean;
}

interface Waiting {
  readonly job: PublishJob;
  readonly key: string;
  /** Absent where it has its turn at once. */
  readonly sinceMs: number | undefined;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #waiting: Waiting[] = [];
  /** What is published again. */
  readonly #behind: Waiting[] = [];
  /** Whether what runs is an upload. */
  #isUploading = false;
  #child: PublishChild | undefined;
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Uploads that wait, without the one that runs. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** The publishing process, if one is up. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the process ahead of the first job, which then need not wait 0.3 s for it. */
  warm(): void {
    if (!this.#isClosed && this.#child?.isUsable !== true && this.#working === undefined) {
      this.#child = new PublishChild(this.#options);
    }
  }

  /**
   * Makes an artifact of an upload, or finds the one that was made before. Throws MayflyError: the refusals of
   * `component_*`, `publish_busy`, `publish_timed_out`, `publish_out_of_memory`, `draining` once closed, and
   * `internal_error` when the process was lost, which concerns this job alone.
   */
  async publish(job: PublishJob): Promise<Published> {
    const key = artifactKey(job.digest, job.handler);
    const existing = await this.#existing(key, job);
    if (existing !== undefined) return existing;
    // The one that would run next if nothing were published again waits in no place.
    const places = this.#options.queue + (this.#isUploading ? 0 : 1);
    if (this.#working !== undefined && this.#waiting.length >= places) {
      throw new MayflyError('publish_busy', `${this.#waiting.length} uploads are waiting already.`);
    }
    return this.#enqueue(this.#waiting, job, key);
  }

  /**
   * The same for what was published before, when no upload waits. It is not broken off for one that comes meanwhile: to start the process
   * anew costs that upload more than most artifacts take.
   */
  async publishAgain(job: PublishJob): Promise<Published> {
    const key = artifactKey(job.digest, job.handler);
    return (await this.#existing(key, job)) ?? this.#enqueue(this.#behind, job, key);
  }

  /** Refuses what waits, breaks off what runs, ends the process. Resolves when all of it is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of [...this.#waiting.splice(0), ...this.#behind.splice(0)]) reject(draining());
    await this.#child?.stop(draining());
    await this.#working;
  }

  #enqueue(line: Waiting[], job: PublishJob, key: string): Promise<Published> {
    if (this.#isClosed) throw draining();
    const { promise, resolve, reject } = Promise.withResolvers<Published>();
    if (this.#working !== undefined) job.onProgress?.({ step: 'wait' });
    line.push({ job, key, resolve, reject, sinceMs: this.#working && performance.now() });
    this.#working ??= this.#work();
    return promise;
  }

  #next(): Waiting | undefined {
    const upload = this.#waiting.shift();
    this.#isUploading = upload !== undefined;
    return upload ?? this.#behind.shift();
  }

  async #work(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { job, key, sinceMs, resolve, reject } = next;
      if (sinceMs !== undefined)
        job.onProgress?.({ step: 'wait', ms: toMicroseconds(performance.now() - sinceMs) });
      // The one before it in the queue may have been the same upload.
      await this.#existing(key, job)
        .then((existing) => existing ?? this.#make(job, key))
        .then(resolve, reject);
    }
    this.#working = undefined;
  }

  async #existing(key: string, job: PublishJob): Promise<Published | undefined> {
    const { artifacts } = this.#options;
    const manifest = await artifacts.findWhole(key);
    if (manifest === undefined) return undefined;
    // It may have been made for a function with more memory.
    assertMemoryFits(manifest.modules, job.memoryBytes);
    return { artifactKey: key, manifest, steps: [], created: false };
  }

  async #make(job: PublishJob, key: string): Promise<Published> {
    const { artifacts } = this.#options;
    const stagingFolder = await artifacts.newStagingFolder();
    try {
      const { manifest, steps } = await this.#runJob(job, stagingFolder);
      const start = performance.now();
      // What is there and not whole is damaged: publishing again mends it. What came whole meanwhile may be in use, and stays.
      if ((await artifacts.findWhole(key)) === undefined) await artifacts.remove(key);
      const outcome = await artifacts.commit(stagingFolder, key);
      const all = addToStore(steps, performance.now() - start);
      const store = all.find(({ name }) => name === 'store');
      if (store !== undefined) job.onProgress?.({ step: 'store', ms: store.ms });
      return {
        artifactKey: key,
        manifest,
        steps: all,
        created: outcome === 'created',
      };
    } catch (error) {
      await artifacts.discard(stagingFolder);
      throw error;
    }
  }

  async #runJob(job: PublishJob, stagingFolder: string): Promise<PipelineResult> {
    const child = await this.#freeChild();
    const { uploadPath, digest, memoryBytes, onProgress } = job;
    return child.run(
      { uploadPath, digest, handler: job.handler ?? null, memoryBytes, stagingFolder },
      onProgress,
    );
  }

  async #freeChild(): Promise<PublishChild> {
    if (this.#child?.isUsable !== true) {
      await this.#child?.stop(new MayflyError('internal_error', 'The publishing process is replaced.'));
      if (this.#isClosed) throw draining();
      this.#child = new PublishChild(this.#options);
    }
    if (this.#isClosed) throw draining();
    return this.#child;
  }
}

function draining(): MayflyError {
  return new MayflyError('draining', 'The host is shutting down; the upload was not published.');
}

function addToStore(steps: readonly PublishStep[], ms: number): PublishStep[] {
  return steps.map((step) => (step.name === 'store' ? { ...step, ms: toMicroseconds(step.ms + ms) } : step));
}
