import { PreparedPlan } from '../component/prepared-plan.ts';
import { type ArtifactManifest, roadBytes } from '../model/artifact.ts';
import type { LinkPlan } from '../model/link-plan.ts';
import type { ModuleState } from '../model/module-state.ts';
import { Glue } from './glue.ts';

/** What the main thread sends for an artifact: compiled once per process, shared by all threads. */
export interface ArtifactMessage {
  readonly key: string;
  readonly manifest: ArtifactManifest;
  readonly modules: readonly (readonly [name: string, module: WebAssembly.Module])[];
  /** On the linked road: how it is linked. */
  readonly plan: LinkPlan | null;
  /** On the other one. */
  readonly glue: string | null;
}

/** How instances of an artifact are made. */
export type Road =
  | { readonly kind: 'linked'; readonly plan: PreparedPlan }
  | { readonly kind: 'glue'; readonly glue: Glue };

/** An artifact as one thread holds it, ready to be instantiated. */
export class LoadedArtifact {
  readonly key: string;
  readonly manifest: ArtifactManifest;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  /** What each module changes while it runs. */
  readonly states: ReadonlyMap<string, ModuleState>;
  readonly road: Road;
  readonly initialMemoryBytes: number;
  readonly initialTableEntries: number;
  readonly codeBytes: number;

  constructor(message: ArtifactMessage) {
    this.key = message.key;
    this.manifest = message.manifest;
    this.modules = new Map(message.modules);
    this.states = new Map(message.manifest.modules.map(({ name, state }) => [name, state]));
    this.road = roadOf(message);
    this.initialMemoryBytes = sum(message.manifest.modules.map((module) => module.initialMemoryBytes));
    this.initialTableEntries = sum(message.manifest.modules.map((module) => module.initialTableEntries));
    this.codeBytes = message.manifest.sizes.codeBytes + roadBytes(message.manifest);
  }
}

function roadOf({ key, plan, glue }: ArtifactMessage): Road {
  if (plan !== null) return { kind: 'linked', plan: new PreparedPlan(plan) };
  if (glue === null) throw new Error('the artifact has neither plan nor glue');
  return { kind: 'glue', glue: new Glue(glue, `mayfly:glue/${key.slice(0, 12)}`) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
