import { MayflyError } from '../errors/errors.ts';
import { readPreamble } from '../instrument/sections.ts';
import type { UploadKind } from '../model/artifact.ts';
import { inspectCoreModule } from './core-module.ts';
import type { CoreModuleHeader } from './core-module-header.ts';
import { malformed, refusing } from './refusal.ts';
import { StructureBudget } from './structure-budget.ts';

/** Import namespace of WASI preview 1, the only one that the adapters answer. */
export const PREVIEW1_MODULE = 'wasi_snapshot_preview1';

/** What people upload by mistake, by its first bytes. */
const LOOKALIKES: readonly (readonly [string, readonly number[]])[] = [
  ['a gzip file', [0x1f, 0x8b]],
  ['a zip file', [0x50, 0x4b, 0x03, 0x04]],
  ['a Zstandard file', [0x28, 0xb5, 0x2f, 0xfd]],
  ['an xz file', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a bzip2 file', [0x42, 0x5a, 0x68]],
  ['a native Linux program', [0x7f, 0x45, 0x4c, 0x46]],
  ['a native Windows program', [0x4d, 0x5a]],
  ['a native macOS program', [0xcf, 0xfa, 0xed, 0xfe]],
  ['LLVM bitcode', [0x42, 0x43, 0xc0, 0xde]],
  ['an object archive', [0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e]],
];

function lookalike(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing: the file is empty';
  for (const [what, magic] of LOOKALIKES) {
    if (magic.every((byte, i) => bytes[i] === byte)) return what;
  }
  const head = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
  if (/^\((?:module|component)\b/.test(head) || head.startsWith(';;'))
    return 'WebAssembly text; assemble it first';
  if (/^<(?:!doctype|html|\?xml)/i.test(head)) return 'an HTML or XML document';
  if (head.startsWith('#!')) return 'a script';
  if (/^[\x20-\x7e\s]+$/.test(head)) return 'plain text';
  return 'no WebAssembly binary';
}

/**
 * Tells what an upload is and checks what can be checked of a core module. Throws `component_malformed` for
 * anything that is no WebAssembly, `component_import_unknown` for a core module that needs more than preview 1,
 * and the structural refusals of `inspectCoreModule`.
 */
export function detectUpload(bytes: Uint8Array): UploadKind {
  if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    throw malformed(`The upload is not WebAssembly; it looks like ${lookalike(bytes)}.`);
  }
  return refusing('The module is not valid', () => {
    if (readPreamble(bytes) === 'component') return 'component';
    const header = inspectCoreModule(bytes, new StructureBudget());
    assertPreview1(header);
    return header.exports.includes('_start') ? 'wasip1-command' : 'wasip1-reactor';
  });
}

/** Whether the module carries the type of a component, as wit-bindgen leaves it for `component new`. */
function hasComponentType(header: CoreModuleHeader): boolean {
  return header.customSections.some((name) => name.startsWith('component-type'));
}

function assertPreview1(header: CoreModuleHeader): void {
  const withType = hasComponentType(header);
  for (const { module, name } of header.imports) {
    // What the embedded type describes becomes imports of the component, which are checked there.
    if (module === PREVIEW1_MODULE || withType) continue;
    throw new MayflyError(
      'component_import_unknown',
      `The core module imports ${JSON.stringify(name)} from ${JSON.stringify(module)}; a core module may import ` +
        `only from ${PREVIEW1_MODULE}.`,
    );
  }
  if (!withType && !header.exports.includes('_start')) {
    throw new MayflyError(
      'component_handler_missing',
      'The core module is a reactor (it exports no _start) without an embedded component type, so nothing says how to call it.',
    );
  }
}
