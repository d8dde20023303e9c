/** A store and a publisher in a temporary folder, uploads written as files, and uploads that arrive on command. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { type ErrorCode, MayflyError } from '../../host/errors/errors.ts';
import { asDigest, type Digest } from '../../host/model/ids.ts';
import { Publisher, type PublisherOptions, type PublishJob } from '../../host/publish/publisher.ts';
import { ArtifactStore } from '../../host/store/artifacts.ts';

const MiB = 1024 * 1024;

export function digestOf(bytes: Uint8Array): Digest {
  return asDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)!;
}

/** An upload that the publishing process waits for: reading its path blocks until it is delivered. */
export interface HeldUpload {
  readonly job: PublishJob;
  /** Resolves once the process has begun to read. */
  readonly opened: Promise<FileHandle>;
  deliver(): Promise<void>;
}

export class UploadFixture {
  readonly dataDir: string;
  readonly artifacts: ArtifactStore;
  readonly publisher: Publisher;
  /** How long each job may take from now on. */
  timeoutMs = 60_000;
  #uploads = 0;

  private constructor(dataDir: string, options: Partial<PublisherOptions>) {
    this.dataDir = dataDir;
    this.artifacts = new ArtifactStore(dataDir);
    const timeoutMs = (): number => this.timeoutMs;
    this.publisher = new Publisher({
      artifacts: this.artifacts,
      get timeoutMs() {
        return timeoutMs();
      },
      memoryBytes: 2_048 * MiB,
      queue: 4,
      ...options,
    });
  }

  static async create(
    t: Pick<ExecutionContext, 'teardown'>,
    options: Partial<PublisherOptions> = {},
  ): Promise<UploadFixture> {
    const fixture = new UploadFixture(await mkdtemp(join(tmpdir(), 'mayfly-publish-')), options);
    t.teardown(async () => {
      await fixture.publisher.close();
      await rm(fixture.dataDir, { recursive: true, force: true });
    });
    await fixture.artifacts.sweep();
    return fixture;
  }

  async job(bytes: Uint8Array, options: Partial<PublishJob> = {}): Promise<PublishJob> {
    const uploadPath = this.#nextPath();
    await writeFile(uploadPath, bytes);
    return {
      uploadPath,
      digest: digestOf(bytes),
      uploadBytes: bytes.length,
      memoryBytes: 128 * MiB,
      ...options,
    };
  }

  /** A pipe in place of a file: the job stands still, without a sleep, until `deliver`. */
  async held(bytes: Uint8Array): Promise<HeldUpload> {
    const uploadPath = this.#nextPath();
    await promisify(execFile)('mkfifo', [uploadPath]);
    const opened = open(uploadPath, 'w');
    return {
      job: { uploadPath, digest: digestOf(bytes), uploadBytes: bytes.length, memoryBytes: 128 * MiB },
      opened,
      deliver: async () => {
        const handle = await opened;
        await handle.writeFile(bytes);
        await handle.close();
      },
    };
  }

  #nextPath(): string {
    return join(this.dataDir, `upload-${this.#uploads++}`);
  }

  /** What lies in the store: nothing after a failure. */
  async leftovers(): Promise<string[]> {
    const folders = await Promise.all(
      ['staging', 'artifacts'].map((name) => readdir(join(this.dataDir, name))),
    );
    return folders.flat();
  }
}

/** The code with which publishing fails, or 'published'. */
export async function outcomeOf(publishing: Promise<unknown>): Promise<ErrorCode | 'published'> {
  try {
    await publishing;
    return 'published';
  } catch (error) {
    if (error instanceof MayflyError) return error.code;
    throw error;
  }
}
