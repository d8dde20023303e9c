import type { ArtifactManifest } from '../model/artifact.ts';
import { Glue } from './glue.ts';

/** What the main thread sends for an artifact: compiled once per process, shared by all threads. */
export interface ArtifactMessage {
  readonly key: string;
  readonly manifest: ArtifactManifest;
  readonly modules: readonly (readonly [name: string, module: WebAssembly.Module])[];
  readonly glue: string;
}

/** An artifact as one thread holds it, ready to be instantiated. */
export class LoadedArtifact {
  readonly key: string;
  readonly manifest: ArtifactManifest;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly glue: Glue;
  readonly initialMemoryBytes: number;
  readonly initialTableEntries: number;
  readonly codeBytes: number;

  constructor(message: ArtifactMessage) {
    this.key = message.key;
    this.manifest = message.manifest;
    this.modules = new Map(message.modules);
    this.glue = new Glue(message.glue, `mayfly:glue/${message.key.slice(0, 12)}`);
    this.initialMemoryBytes = sum(message.manifest.modules.map((module) => module.initialMemoryBytes));
    this.initialTableEntries = sum(message.manifest.modules.map((module) => module.initialTableEntries));
    this.codeBytes = message.manifest.sizes.codeBytes + message.manifest.sizes.glueBytes;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
