/**
 * Looks again at what an older pipeline published, before it runs: what publishing refuses today may have been let in.
 *
 * A thread reads the upload that lies beside the artifact, since tools that make components of core modules take long. It
 * compares the types of imports (docs/decisions/0051-types-of-imports.md), which what runs relies on; the artifact itself stays as it is.
 *
 * Invariants:
 *  1. One thread at most at a time: after an upgrade every artifact is looked at.
 *  2. A verdict holds as long as the process; a look that failed is none.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MayflyError } from '../errors/errors.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import { ARTIFACT_FILES, type ArtifactManifest } from '../model/artifact.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import { isOfThisPipeline } from './artifact-key.ts';
import { entryUrl } from './entry-url.ts';
import type { CheckThreadData, CheckVerdict } from './messages.ts';

const MiB = 1024 * 1024;

export class ArtifactCheck {
  readonly #artifacts: ArtifactStore;
  readonly #verdicts = new Map<string, Promise<CheckVerdict>>();
  #latest: Promise<unknown> = Promise.resolve();

  constructor(artifacts: ArtifactStore) {
    this.#artifacts = artifacts;
  }

  /** @throws `artifact_refused` for what may run no longer; whatever kept the thread from finding out */
  async assertPasses(key: string, manifest: ArtifactManifest): Promise<void> {
    if (isOfThisPipeline(key, manifest)) return;
    const { refusal } = await this.#verdictOf(key, manifest);
    if (refusal !== null) throw new MayflyError('artifact_refused', refusal);
  }

  #verdictOf(key: string, { upload }: ArtifactManifest): Promise<CheckVerdict> {
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const uploadPath = join(this.#artifacts.folder(key), ARTIFACT_FILES.upload);
    const verdict = this.#latest.then(() => look({ uploadPath, upload }));
    this.#verdicts.set(key, verdict);
    this.#latest = verdict.catch(() => this.#verdicts.delete(key));
    return verdict;
  }
}

async function look(data: CheckThreadData): Promise<CheckVerdict> {
  const thread = new Worker(entryUrl('check-thread'), {
    workerData: data,
    name: 'mayfly-artifact-check',
    // Nothing of the host's environment, where secrets are, reaches it.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HOST_LIMITS.publishMemoryBytes / MiB },
  });
  try {
    const signal = AbortSignal.timeout(HOST_LIMITS.publishTimeoutMs);
    const [verdict] = (await once(thread, 'message', { signal })) as [CheckVerdict];
    return verdict;
  } finally {
    await thread.terminate();
  }
}
