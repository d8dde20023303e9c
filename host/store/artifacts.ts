/**
 * Artifacts on disk: what publishing made of an upload, one folder each.
 *
 * Owns `<dataDir>/artifacts/<key>/` and `<dataDir>/staging/`. A publish builds its files in a folder under
 * `staging/` and commits that folder whole.
 *
 * Invariants:
 *  1. A folder under `artifacts/` is complete and never changes: it gets there by one `rename` of a folder whose
 *     files and entries were synced before, so a kill or power cut at any instant leaves all of it or nothing.
 *  2. A key is derived from everything that determines the content (see `artifactKey` in publish/), so the first
 *     commit of a key wins and a later one of the same key is dropped.
 *  3. Nothing outside of this file names a path below these folders except through `folder(key)`.
 *  4. What lies in `staging/` when the host starts belongs to nobody; `sweep` removes it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MayflyError } from '../errors/errors.ts';
import {
  ARTIFACT_FILES,
  type ArtifactManifest,
  type EventHandlers,
  HANDLER_KINDS,
} from '../model/artifact.ts';
import { asDigest, type Digest } from '../model/ids.ts';
import { STATE_OBSTACLES } from '../model/module-state.ts';

/** 64 lower-case hex digits: a SHA-256, and as a path neither absolute nor able to climb. */
const KEY_PATTERN = /^[0-9a-f]{64}$/;

const countSchema = z.number().int().nonnegative();

const stateSchema = z
  .object({
    memories: z.array(z.string()),
    tables: z.array(z.string()),
    globals: z.array(z.string()),
    headrooms: z.array(z.object({ memory: countSchema, from: z.tuple([z.string(), z.string()]).nullable() })),
    obstacles: z.array(z.enum(STATE_OBSTACLES)),
  })
  // Artifacts of before this was noted go on running, in a fresh instance each time.
  .default({ memories: [], tables: [], globals: [], headrooms: [], obstacles: ['not-analyzed'] });

const manifestSchema = z.object({
  formatVersion: z.literal(1),
  pipelineVersion: countSchema.default(0),
  digest: z.custom<Digest>((value) => typeof value === 'string' && asDigest(value) !== undefined),
  upload: z.enum(['component', 'wasip1-command', 'wasip1-reactor']),
  handler: z.enum(HANDLER_KINDS),
  world: z.string(),
  exportKey: z.string(),
  // Artifacts from before there were event handlers have none.
  eventHandlers: z
    .strictObject({ queue: z.string(), schedule: z.string() })
    .partial()
    .default({})
    .transform((handlers) => handlers as EventHandlers),
  // Artifacts from before there were plans say nothing of them.
  road: z.enum(['linked', 'glue']).default('glue'),
  roadReason: z.string().nullable().default('it was published before there were link plans'),
  planBytes: countSchema.default(0),
  imports: z.array(z.string()),
  fuelModel: z.string(),
  modules: z.array(
    z.object({
      // A plain file name: the manifest cannot point out of its folder.
      name: z.string().regex(/^[a-z0-9][a-z0-9.-]*\.wasm$/),
      bytes: countSchema,
      initialMemoryBytes: countSchema,
      initialTableEntries: countSchema,
      functions: countSchema,
      state: stateSchema,
    }),
  ),
  sizes: z.object({ uploadBytes: countSchema, codeBytes: countSchema, glueBytes: countSchema }),
});

/** Flushes a file's bytes, or a folder's entries, to the disk. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

export class ArtifactStore {
  readonly #artifactsFolder: string;
  readonly #stagingFolder: string;

  constructor(dataDir: string) {
    this.#artifactsFolder = join(dataDir, 'artifacts');
    this.#stagingFolder = join(dataDir, 'staging');
  }

  /** Creates the folders and removes what an earlier process left in staging. Call once, before any publish. */
  async sweep(): Promise<void> {
    await mkdir(this.#artifactsFolder, { recursive: true });
    await mkdir(this.#stagingFolder, { recursive: true });
    const stale = await readdir(this.#stagingFolder);
    await Promise.all(
      stale.map((entry) => rm(join(this.#stagingFolder, entry), { recursive: true, force: true })),
    );
  }

  /** An empty folder of the caller's own; give it to `commit` or to `discard`. */
  async newStagingFolder(): Promise<string> {
    const folder = join(this.#stagingFolder, randomUUID());
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Removes a staging folder and what is in it. Idempotent. */
  async discard(stagingFolder: string): Promise<void> {
    await rm(stagingFolder, { recursive: true, force: true });
  }

  /**
   * Makes a staging folder the artifact `key`, durably. `'existed'` when there is one already: the folder is
   * discarded then. The staging folder is gone in either case.
   */
  async commit(stagingFolder: string, key: string): Promise<'created' | 'existed'> {
    const target = this.folder(key);
    await mkdir(this.#artifactsFolder, { recursive: true });
    const files = await readdir(stagingFolder);
    await Promise.all(files.map((file) => sync(join(stagingFolder, file))));
    await sync(stagingFolder);
    if (!(await this.#moveInto(stagingFolder, target))) {
      if (await this.has(key)) {
        await this.discard(stagingFolder);
        return 'existed';
      }
      // Something that is no artifact sits there (a meddled-with folder): out of the way, then once more.
      await this.remove(key);
      if (!(await this.#moveInto(stagingFolder, target))) {
        throw new MayflyError('artifact_unavailable', 'The place of the artifact is occupied.');
      }
    }
    await sync(this.#artifactsFolder);
    return 'created';
  }

  /** False if the target is taken: `rename` of a folder replaces nothing but an empty one. */
  async #moveInto(stagingFolder: string, target: string): Promise<boolean> {
    try {
      await rename(stagingFolder, target);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
      throw error;
    }
  }

  /** Whether the artifact is there. */
  async has(key: string): Promise<boolean> {
    try {
      return (await stat(join(this.folder(key), ARTIFACT_FILES.manifest))).isFile();
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return false;
      throw error;
    }
  }

  /** Absolute if `dataDir` is. Throws a RangeError for what is no key. */
  folder(key: string): string {
    if (!KEY_PATTERN.test(key)) throw new RangeError('not an artifact key');
    return join(this.#artifactsFolder, key);
  }

  /** The manifest; throws `artifact_unavailable` if it is missing or not of this format. */
  async readManifest(key: string): Promise<ArtifactManifest> {
    try {
      const text = await readFile(join(this.folder(key), ARTIFACT_FILES.manifest), 'utf8');
      return manifestSchema.parse(JSON.parse(text));
    } catch (cause) {
      throw new MayflyError(
        'artifact_unavailable',
        `Artifact ${key.slice(0, 12)} has no readable manifest.`,
        { cause },
      );
    }
  }

  /** The manifest, if the artifact is there with every file at its size; a look, not a checksum. */
  async findWhole(key: string): Promise<ArtifactManifest | undefined> {
    try {
      const manifest = await this.readManifest(key);
      const { modules, planBytes, sizes } = manifest;
      const files: (readonly [string, number])[] = [
        ...modules.map(({ name, bytes }) => [name, bytes] as const),
        [ARTIFACT_FILES.glue, sizes.glueBytes],
        ...(planBytes === 0 ? [] : [[ARTIFACT_FILES.plan, planBytes] as const]),
        [ARTIFACT_FILES.upload, sizes.uploadBytes],
      ];
      const found = await Promise.all(files.map(([name]) => stat(join(this.folder(key), name))));
      return found.every(({ size }, i) => size === files[i]![1]) ? manifest : undefined;
    } catch {
      return undefined;
    }
  }

  /** Every key there is, sorted. */
  async keys(): Promise<string[]> {
    const entries = await readdir(this.#artifactsFolder).catch(() => [] as string[]);
    return entries.filter((entry) => KEY_PATTERN.test(entry)).sort();
  }

  /**
   * Removes an artifact. It leaves `artifacts/` in one rename, so that nobody sees half of it (invariant 1).
   * Idempotent.
   */
  async remove(key: string): Promise<void> {
    await mkdir(this.#stagingFolder, { recursive: true });
    const grave = join(this.#stagingFolder, `removed-${randomUUID()}`);
    try {
      await rename(this.folder(key), grave);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    await sync(this.#artifactsFolder);
    await rm(grave, { recursive: true, force: true });
  }
}
