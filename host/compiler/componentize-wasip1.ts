import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { UploadKind } from '../model/artifact.ts';
import { withAdapterSpace } from './adapter-space.ts';
import { PREVIEW1_MODULE } from './detect.ts';
import { malformed, unsupported } from './refusal.ts';
import { isToolCrash, toolMessage } from './tool-failure.ts';

/** jco does not export its adapters, but they lie beside its manifest's folder in every release. */
function adapterPath(kind: 'command' | 'reactor'): string {
  const entry = createRequire(import.meta.url).resolve('@bytecodealliance/jco');
  const root = entry.slice(0, entry.lastIndexOf(join('@bytecodealliance', 'jco')));
  return join(root, '@bytecodealliance', 'jco', 'lib', `${PREVIEW1_MODULE}.${kind}.wasm`);
}

/**
 * Makes a component of a wasip1 core module: its preview 1 imports are linked to the adapter, and a command gets
 * an export `wasi:cli/run`. Throws `component_malformed` where wasm-tools finds it not valid,
 * `component_unsupported` where it cannot cope with it.
 */
export async function componentizeWasip1(
  bytes: Uint8Array,
  kind: Exclude<UploadKind, 'component'>,
): Promise<Uint8Array> {
  const adapter = await readFile(adapterPath(kind === 'wasip1-command' ? 'command' : 'reactor'));
  const core = kind === 'wasip1-command' ? withAdapterSpace(bytes) : bytes;
  try {
    return await componentNew(core, [[PREVIEW1_MODULE, adapter]]);
  } catch (cause) {
    if (isToolCrash(cause)) throw unsupported('The core module cannot become a component.', cause);
    throw malformed(`The core module cannot become a component: ${toolMessage(cause)}`, cause);
  }
}
