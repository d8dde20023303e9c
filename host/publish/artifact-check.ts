/**
 * Looks again at what an older pipeline published, before it runs: what publishing refuses today may have been let in.
 *
 * A publishing process reads the upload that lies beside the artifact, since tools that make components of core modules take long, and
 * as much memory as they are let. It compares the types of imports (docs/decisions/0051-types-of-imports.md), which what runs relies on; the
 * artifact itself stays as it is.
 *
 * Invariants:
 *  1. One look at most at a time: after an upgrade every artifact is looked at. The process ends when nothing waits.
 *  2. Tenants take turns: whoever waits for an artifact waits for one of each other tenant and those of its own that came before, however
 *     many others have.
 *  3. A verdict holds as long as this process; a look that failed is none.
 */
import { join } from 'node:path';
import { MayflyError } from '../errors/errors.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import { ARTIFACT_FILES, type ArtifactManifest } from '../model/artifact.ts';
import type { TenantName } from '../model/ids.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import { isOfThisPipeline } from './artifact-key.ts';
import type { CheckJob, CheckVerdict } from './messages.ts';
import { PublishChild, type PublishChildOptions } from './publish-child.ts';
import { Turns } from './turns.ts';

export interface ArtifactCheckOptions extends PublishChildOptions {
  /** Whose artifact it is; several may have published the same upload. */
  tenantsOf(key: string): readonly TenantName[];
}

interface Waiting {
  readonly job: CheckJob;
  readonly resolve: (verdict: CheckVerdict) => void;
  readonly reject: (error: unknown) => void;
}

export class ArtifactCheck {
  readonly #artifacts: ArtifactStore;
  readonly #options: ArtifactCheckOptions;
  readonly #verdicts = new Map<string, Promise<CheckVerdict>>();
  readonly #turns = new Turns<Waiting>();
  #isWorking = false;

  constructor(
    artifacts: ArtifactStore,
    options: Pick<ArtifactCheckOptions, 'tenantsOf'> & Partial<PublishChildOptions>,
  ) {
    this.#artifacts = artifacts;
    this.#options = {
      timeoutMs: HOST_LIMITS.publishTimeoutMs,
      memoryBytes: HOST_LIMITS.publishMemoryBytes,
      ...options,
    };
  }

  /** @throws `artifact_refused` for what may run no longer, `artifact_unavailable` where that could not be found out */
  async assertPasses(key: string, manifest: ArtifactManifest): Promise<void> {
    if (isOfThisPipeline(key, manifest)) return;
    const { refusal } = await this.#verdictOf(key, manifest);
    if (refusal !== null) throw new MayflyError('artifact_refused', refusal);
  }

  #verdictOf(key: string, { upload }: ArtifactManifest): Promise<CheckVerdict> {
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const { promise, resolve, reject } = Promise.withResolvers<CheckVerdict>();
    const uploadPath = join(this.#artifacts.folder(key), ARTIFACT_FILES.upload);
    this.#turns.wait(this.#options.tenantsOf(key), { job: { uploadPath, upload }, resolve, reject });
    const verdict = promise.catch((cause) => {
      this.#verdicts.delete(key);
      const detail = `What artifact ${key.slice(0, 12)} was made of could not be looked at again.`;
      throw new MayflyError('artifact_unavailable', detail, { cause });
    });
    this.#verdicts.set(key, verdict);
    if (!this.#isWorking) void this.#work();
    return verdict;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    let child: PublishChild | undefined;
    for (let next = this.#turns.take(); next !== undefined; next = this.#turns.take()) {
      if (child?.isUsable !== true) {
        await child?.stop(ended());
        child = new PublishChild(this.#options);
      }
      await child.check(next.job).then(next.resolve, next.reject);
    }
    this.#isWorking = false;
    await child?.stop(ended());
  }
}

function ended(): MayflyError {
  return new MayflyError('internal_error', 'The process that looked at uploads has ended.');
}
