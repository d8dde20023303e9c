/** An upload becomes an artifact: check, componentize, transpile, instrument, compile, store. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileModules } from '../compiler/compile-modules.ts';
import { scanComponent, withoutCustomSections } from '../compiler/component-sections.ts';
import { componentizeWasip1 } from '../compiler/componentize-wasip1.ts';
import { detectUpload } from '../compiler/detect.ts';
import { assertImportSignatures } from '../compiler/import-signatures.ts';
import { readLinkPlan } from '../compiler/link-plan.ts';
import { type MeteredModule, meterModules } from '../compiler/meter-modules.ts';
import { type Transpiled, transpileComponent } from '../compiler/transpile.ts';
import { readWorld, type World } from '../compiler/world.ts';
import { FUEL_MODEL } from '../instrument/cost-model.ts';
import {
  ARTIFACT_FILES,
  type ArtifactManifest,
  type HandlerKind,
  type UploadKind,
} from '../model/artifact.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import { PIPELINE_VERSION } from './artifact-key.ts';
import { assertMemoryFits } from './initial-memory.ts';
import type { PipelineJob, PipelineResult } from './messages.ts';
import { StepClock } from './step-clock.ts';

/** A component whose structure was checked, and what it asks for. */
interface CheckedComponent {
  readonly bytes: Uint8Array;
  readonly world: World;
}

/** Fills the job's staging folder. Throws the refusals of the compiler, or whatever went wrong in the host. */
export async function runPipeline(job: PipelineJob, onProgress?: OnPublishProgress): Promise<PipelineResult> {
  const clock = new StepClock(onProgress);
  const upload = await readUpload(job);
  const kind = await clock.time('check', () => detectUpload(upload));
  const component = await checkedComponent(upload, kind, job.handler ?? undefined, clock);
  const transpiled = await clock.time('transpile', () =>
    transpileComponent(component.bytes, component.world),
  );
  // Behind the validator, which is a part of the step before.
  assertImportSignatures(component.bytes);
  const road = chooseRoad(component, transpiled);
  const modules = await clock.time('instrument', () => meterModules(transpiled.modules));
  assertMemoryFits(
    modules.map((module) => module.shape),
    job.memoryBytes,
  );
  await clock.time('compile', () => compileModules(modules));
  const manifest = manifestOf(job, kind, component.world, transpiled, road, modules, upload.length);
  await clock.time('store', () =>
    writeArtifact(job.stagingFolder, manifest, { glue: transpiled.glue, plan: road.plan }, modules, upload),
  );
  return { manifest, steps: clock.steps };
}

async function readUpload(job: PipelineJob): Promise<Uint8Array> {
  const bytes = await readFile(job.uploadPath);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  // The key of the artifact was made of the digest: content under a wrong key would shadow another upload.
  if (digest !== job.digest) throw new Error('the upload does not have the digest that the job says');
  return bytes;
}

async function checkedComponent(
  upload: Uint8Array,
  kind: UploadKind,
  handler: HandlerKind | undefined,
  clock: StepClock,
): Promise<CheckedComponent> {
  const check = (bytes: Uint8Array): CheckedComponent => {
    const shape = scanComponent(bytes);
    return { bytes: withoutCustomSections(bytes, shape), world: readWorld(shape, handler) };
  };
  if (kind === 'component') return clock.time('check', () => check(upload));
  return clock.time('componentize', async () => check(await componentizeWasip1(upload, kind)));
}

/** How instances will be made; the glue stays beside the plan, to be compared with. */
interface Road {
  readonly kind: ArtifactManifest['road'];
  readonly reason: string | null;
  /** As JSON; empty where there is none. */
  readonly plan: string;
}

function chooseRoad({ bytes, world }: CheckedComponent, { modules }: Transpiled): Road {
  const { plan, reason } = readLinkPlan(bytes, world, modules);
  if (plan === undefined) return { kind: 'glue', reason, plan: '' };
  return { kind: 'linked', reason: null, plan: JSON.stringify(plan) };
}

function manifestOf(
  job: PipelineJob,
  upload: UploadKind,
  world: World,
  transpiled: Transpiled,
  road: Road,
  modules: readonly MeteredModule[],
  uploadBytes: number,
): ArtifactManifest {
  return {
    formatVersion: 1,
    pipelineVersion: PIPELINE_VERSION,
    digest: job.digest,
    upload,
    handler: world.handler,
    world: world.handlerInterface,
    exportKey: transpiled.exportKey,
    eventHandlers: transpiled.eventExportKeys,
    road: road.kind,
    roadReason: road.reason,
    planBytes: Buffer.byteLength(road.plan),
    imports: world.imports,
    fuelModel: FUEL_MODEL,
    modules: modules.map(({ name, bytes, shape, state }) => ({
      name,
      bytes: bytes.length,
      initialMemoryBytes: shape.initialMemoryBytes,
      initialTableEntries: shape.initialTableEntries,
      functions: shape.functions,
      state,
    })),
    sizes: {
      uploadBytes,
      codeBytes: modules.reduce((sum, { bytes }) => sum + bytes.length, 0),
      glueBytes: Buffer.byteLength(transpiled.glue),
    },
  };
}

async function writeArtifact(
  folder: string,
  manifest: ArtifactManifest,
  { glue, plan }: { readonly glue: string; readonly plan: string },
  modules: readonly MeteredModule[],
  upload: Uint8Array,
): Promise<void> {
  for (const { name, bytes } of modules) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, ARTIFACT_FILES.glue), glue);
  if (plan !== '') await writeFile(join(folder, ARTIFACT_FILES.plan), plan);
  await writeFile(join(folder, ARTIFACT_FILES.upload), upload);
  await writeFile(join(folder, ARTIFACT_FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}
