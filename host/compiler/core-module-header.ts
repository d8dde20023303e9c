import { Cursor } from '../instrument/reader.ts';
import { readModuleSections, SECTION } from '../instrument/sections.ts';
import { type BoundName, malformed, unsupported } from './refusal.ts';
import { assertSafeName } from './safe-name.ts';
import type { StructureBudget } from './structure-budget.ts';

/** What the section heads of a core module say; function bodies are not looked into. */
export interface CoreModuleHeader {
  readonly imports: readonly { readonly module: string; readonly name: string }[];
  readonly exports: readonly string[];
  readonly customSections: readonly string[];
}

/** Section ids of the core specification, 5.5.2, whose vector lengths have a bound of ours. */
const COUNTED_SECTIONS: ReadonlyMap<number, BoundName> = new Map([
  [SECTION.type, 'types'],
  [SECTION.import, 'imports'],
  [SECTION.function, 'functions'],
  [SECTION.global, 'globals'],
  [SECTION.export, 'exports'],
  [SECTION.element, 'elementSegments'],
  [SECTION.data, 'dataSegments'],
]);

/** Passes over limits of a table or memory (5.3.5 and its extensions): flags, minimum, maximum. */
function skipLimits(cursor: Cursor): void {
  const flags = cursor.u8();
  cursor.skipU64();
  if ((flags & 1) !== 0) cursor.skipU64();
  if ((flags & 8) !== 0) cursor.skipU64();
}

function skipReferenceType(cursor: Cursor): void {
  const byte = cursor.u8();
  if (byte === 0x63 || byte === 0x64) cursor.skipU64();
}

function skipImportDescription(cursor: Cursor): void {
  const kind = cursor.u8();
  if (kind > 0x04) throw unsupported(`A core module has an import of the unknown kind ${kind}.`);
  // Function, table, memory, global, tag.
  if (kind === 0x04) cursor.u8();
  if (kind === 0x00 || kind === 0x04) cursor.skipU64();
  if (kind === 0x01 || kind === 0x03) skipReferenceType(cursor);
  if (kind === 0x01 || kind === 0x02) skipLimits(cursor);
  if (kind === 0x03) cursor.u8();
}

/**
 * Reads the sections of a core module (with its 8-byte preamble), adds what it declares to the budget and
 * checks the names that jco writes into code. Linear in the module's names.
 */
export function readCoreModuleHeader(bytes: Uint8Array, budget: StructureBudget): CoreModuleHeader {
  const imports: { module: string; name: string }[] = [];
  const exports: string[] = [];
  const customSections: string[] = [];
  for (const { id, start, end } of readModuleSections(bytes)) {
    const section = new Cursor(bytes, start, end);
    if (id === SECTION.custom) {
      customSections.push(section.name());
      continue;
    }
    const bound = COUNTED_SECTIONS.get(id);
    if (bound === undefined) continue;
    const count = section.count('entries');
    budget.add(bound, count);
    if (id === SECTION.import) {
      for (let i = 0; i < count; i++) {
        const entry = { module: section.name(), name: section.name() };
        assertSafeName(entry.module);
        assertSafeName(entry.name);
        imports.push(entry);
        skipImportDescription(section);
      }
      if (section.remaining > 0) throw malformed('The import section is longer than its entries.');
    } else if (id === SECTION.export) {
      for (let i = 0; i < count; i++) {
        const name = section.name();
        assertSafeName(name);
        exports.push(name);
        section.u8();
        section.skipU64();
      }
      if (section.remaining > 0) throw malformed('The export section is longer than its entries.');
    }
  }
  return { imports, exports, customSections };
}
