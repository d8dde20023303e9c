import type { ModuleBounds } from './bounds.ts';
import {
  readFunctionIndex,
  readGlobalIndex,
  readIndex,
  scanConstantExpression,
} from './constant-expression.ts';
import { boundedCount, type DeclarationRules, type DeclarationScan } from './declaration-scan.ts';
import { EDIT, type EditList } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import { type ByteRange, emptyLayout, type ModuleLayout } from './module-layout.ts';
import { Cursor } from './reader.ts';
import { readModuleSections, SECTION } from './sections.ts';
import { scanTypes } from './type-section.ts';
import { skipHeapType, skipMutability, skipValueType } from './value-types.ts';

/**
 * Reads all sections of a module, their counts held to `bounds`; function bodies are only counted, for
 * assembly/function-reader.ts to read. Linear in the input, and allocates in proportion to what is really there.
 */
export function scanDeclarations(
  bytes: Uint8Array,
  bounds: ModuleBounds,
  rules: DeclarationRules,
  features: FeatureSet,
  edits: EditList,
): ModuleLayout {
  const layout = emptyLayout(readModuleSections(bytes));
  const scan: DeclarationScan = { bounds, features, layout, edits };
  for (const section of layout.sections) {
    const cursor = new Cursor(bytes, section.start, section.end);
    switch (section.id) {
      case SECTION.type:
        scanTypes(scan, cursor);
        break;
      case SECTION.import:
        scanImports(scan, cursor, rules);
        break;
      case SECTION.function:
        scanFunctions(scan, cursor);
        break;
      case SECTION.table:
        scanTables(scan, cursor);
        break;
      case SECTION.memory:
        scanMemories(scan, cursor);
        break;
      case SECTION.tag:
        scanTags(scan, cursor);
        break;
      case SECTION.global:
        scanGlobals(scan, cursor);
        break;
      case SECTION.export:
        scanExports(scan, cursor, rules);
        break;
      case SECTION.start:
        layout.hasStart = true;
        layout.pinnedFunctions.add(readFunctionIndex(cursor, layout, edits));
        break;
      case SECTION.element:
        scanElements(scan, cursor);
        break;
      case SECTION.dataCount:
        boundedCount(cursor, bounds.dataSegments, 'data segments', 0);
        break;
      case SECTION.code:
        layout.bodies = boundedCount(cursor, bounds.functions, 'functions', 2);
        layout.codeStart = cursor.pos;
        continue;
      case SECTION.data:
        scanData(scan, cursor);
        break;
      default: // Custom sections hold what they like.
        continue;
    }
    if (cursor.remaining > 0) cursor.fail(`section ${section.id} is longer than its content`);
  }
  const declared = layout.functionTypes.length - layout.importedFunctions;
  if (declared !== layout.bodies) {
    throw new InstrumentError(
      'malformed',
      `${declared} functions are declared, ${layout.bodies} have a body`,
      bytes.length,
    );
  }
  return layout;
}

function scanImports(
  { bounds, features, layout }: DeclarationScan,
  cursor: Cursor,
  rules: DeclarationRules,
): void {
  layout.imports = boundedCount(cursor, bounds.imports, 'imports', 4);
  for (let i = 0; i < layout.imports; i++) {
    const at = cursor.pos;
    const module = cursor.name();
    if (module === rules.reservedImportModule) {
      throw new InstrumentError(
        'unsupported',
        `imports from "${rules.reservedImportModule}", which is the host's own`,
        at,
      );
    }
    const name = cursor.name();
    const kindAt = cursor.pos;
    const kind = cursor.u8();
    switch (kind) {
      case 0:
        layout.functionTypes.push(readIndex(cursor, layout.types.length, 'type'));
        layout.importedFunctions++;
        break;
      case 1:
        layout.tableTypes.push(readReferenceType(cursor, features));
        layout.tables64.push(readLimits(cursor, features).is64);
        layout.importedTables++;
        break;
      case 2:
        layout.memories64.push(readLimits(cursor, features).is64);
        layout.memoryImports.push([module, name]);
        layout.importedMemories++;
        break;
      case 3:
        scanGlobalType(cursor, layout, features);
        layout.globals++;
        layout.importedGlobals++;
        break;
      case 4:
        readTag(cursor, features, layout);
        layout.importedTags++;
        break;
      default:
        throw new InstrumentError('unsupported', `imports of kind ${kind}`, kindAt);
    }
  }
}

function scanFunctions({ bounds, layout }: DeclarationScan, cursor: Cursor): void {
  const count = boundedCount(cursor, bounds.functions, 'functions', 1);
  for (let i = 0; i < count; i++) layout.functionTypes.push(readIndex(cursor, layout.types.length, 'type'));
}

function scanTables({ bounds, features, layout, edits }: DeclarationScan, cursor: Cursor): void {
  const count = boundedCount(cursor, bounds.tables, 'tables', 3);
  for (let i = 0; i < count; i++) {
    const hasInitialiser = cursor.peek() === 0x40;
    if (hasInitialiser) {
      cursor.skip(1);
      if (cursor.u8() !== 0) cursor.fail('unknown table encoding', cursor.pos - 1);
      features.add('function-references');
    }
    layout.tableTypes.push(readReferenceType(cursor, features));
    const limits = readLimits(cursor, features);
    layout.tables64.push(limits.is64);
    layout.initialTableEntries += limits.initial;
    if (hasInitialiser) scanConstantExpression(cursor, layout, features, edits);
  }
}

function scanMemories({ bounds, features, layout }: DeclarationScan, cursor: Cursor): void {
  const count = boundedCount(cursor, bounds.memories, 'memories', 2);
  for (let i = 0; i < count; i++) {
    const limits = readLimits(cursor, features);
    layout.memories64.push(limits.is64);
    layout.initialMemoryBytes += limits.initial * 65_536;
  }
  if (layout.memories64.length > 1) features.add('multi-memory');
}

function scanTags({ bounds, features, layout }: DeclarationScan, cursor: Cursor): void {
  const count = boundedCount(cursor, bounds.tags, 'tags', 2);
  for (let i = 0; i < count; i++) readTag(cursor, features, layout);
}

function readTag(cursor: Cursor, features: FeatureSet, layout: ModuleLayout): void {
  if (cursor.u8() !== 0) cursor.fail('unknown tag attribute', cursor.pos - 1);
  const type = readIndex(cursor, layout.types.length, 'type');
  layout.tagParams.push(layout.types[type]!.params);
  layout.tags++;
  features.add('exceptions');
}

function scanGlobals({ bounds, features, layout, edits }: DeclarationScan, cursor: Cursor): void {
  const count = boundedCount(cursor, bounds.globals, 'globals', 4);
  for (let i = 0; i < count; i++) {
    scanGlobalType(cursor, layout, features);
    // An initialiser sees the globals before its own only.
    scanConstantExpression(cursor, layout, features, edits);
    layout.globals++;
  }
}

function scanGlobalType(cursor: Cursor, layout: ModuleLayout, features: FeatureSet): void {
  const from = cursor.pos;
  skipValueType(cursor, features);
  const to = cursor.pos;
  if (cursor.peek() === 1) layout.mutableGlobals.push({ index: layout.globals, type: { from, to } });
  skipMutability(cursor);
}

function scanExports(
  { bounds, layout, edits }: DeclarationScan,
  cursor: Cursor,
  rules: DeclarationRules,
): void {
  layout.exports = boundedCount(cursor, bounds.exports, 'exports', 3);
  layout.exportsStart = cursor.pos;
  for (let i = 0; i < layout.exports; i++) {
    const at = cursor.pos;
    const name = cursor.name();
    if (rules.reservedExports.test(name)) {
      throw new InstrumentError('unsupported', `exports "${name}", a name of the host's own`, at);
    }
    const { exportNames } = layout;
    const kind = cursor.u8();
    if (kind === 0) scanFunctionExport(cursor, layout, edits);
    else if (kind === 1) exportNames.table.set(readIndex(cursor, layout.tables64.length, 'table'), name);
    else if (kind === 2) exportNames.memory.set(readIndex(cursor, layout.memories64.length, 'memory'), name);
    else if (kind === 3) exportNames.global.set(readGlobalIndex(cursor, layout, edits), name);
    else if (kind === 4) readIndex(cursor, layout.tags, 'tag');
    else cursor.fail(`unknown kind of export ${kind}`, cursor.pos - 1);
  }
}

function scanFunctionExport(cursor: Cursor, layout: ModuleLayout, edits: EditList): void {
  const at = cursor.pos;
  const index = readIndex(cursor, layout.functionTypes.length, 'function');
  if (index < layout.importedFunctions) return;
  layout.exportedFunctions.add(index);
  edits.add(at, EDIT.exportedFunction, index);
}

/** Element segments: bit 0 passive or declarative, bit 1 explicit table or declarative, bit 2 expressions. */
function scanElements({ bounds, features, layout, edits }: DeclarationScan, cursor: Cursor): void {
  layout.elementSegments = boundedCount(cursor, bounds.elementSegments, 'element segments', 3);
  for (let i = 0; i < layout.elementSegments; i++) {
    const flags = cursor.u32();
    if (flags > 7) cursor.fail(`unknown kind of element segment ${flags}`);
    const isActive = (flags & 1) === 0;
    if (isActive) {
      if (flags & 2) readIndex(cursor, layout.tables64.length, 'table');
      scanConstantExpression(cursor, layout, features, edits);
    } else features.add('bulk-memory');
    if ((flags & 3) === 1) layout.passiveElements.add(i);
    const usesExpressions = (flags & 4) !== 0;
    if (flags & 3) {
      if (usesExpressions) readReferenceType(cursor, features);
      else if (cursor.u8() !== 0) cursor.fail('unknown element kind', cursor.pos - 1);
    }
    const count = cursor.count('elements');
    if (usesExpressions) {
      for (let n = 0; n < count; n++) scanConstantExpression(cursor, layout, features, edits);
    } else if (count > 0) {
      edits.add(cursor.pos, EDIT.functionIndices, count);
      for (let n = 0; n < count; n++) {
        layout.pinnedFunctions.add(readIndex(cursor, layout.functionTypes.length, 'function'));
      }
    }
  }
}

function scanData({ bounds, features, layout, edits }: DeclarationScan, cursor: Cursor): void {
  layout.dataSegments = boundedCount(cursor, bounds.dataSegments, 'data segments', 2);
  for (let i = 0; i < layout.dataSegments; i++) {
    const flags = cursor.u32();
    if (flags > 2) cursor.fail(`unknown kind of data segment ${flags}`);
    if (flags === 2) readIndex(cursor, layout.memories64.length, 'memory');
    if (flags === 1) {
      features.add('bulk-memory');
      layout.passiveData.add(i);
    } else scanConstantExpression(cursor, layout, features, edits);
    cursor.skip(cursor.count('bytes of a data segment'));
  }
}

function readReferenceType(cursor: Cursor, features: FeatureSet): ByteRange {
  const at = cursor.pos;
  const code = cursor.peek();
  if (code === 0x70) cursor.pos++;
  else if (code === 0x63 || code === 0x64) {
    cursor.pos++;
    features.add('function-references');
    skipHeapType(cursor, features);
  } else {
    if (code >= 0x7b) cursor.fail('not a reference type', at);
    skipValueType(cursor, features);
  }
  return { from: at, to: cursor.pos };
}

interface Limits {
  readonly is64: boolean;
  readonly initial: number;
}

function readLimits(cursor: Cursor, features: FeatureSet): Limits {
  const at = cursor.pos;
  const flags = cursor.u8();
  if (flags & 0x02) throw new InstrumentError('unsupported', 'shared memories and tables', at);
  if (flags & 0x08) throw new InstrumentError('unsupported', 'custom page sizes', at);
  if (flags & ~0x05) cursor.fail('unknown limits', at);
  const is64 = (flags & 0x04) !== 0;
  if (is64) features.add('memory64');
  const initial = is64 ? cursor.u64() : cursor.u32();
  if (flags & 0x01) is64 ? cursor.skipU64() : cursor.u32();
  return { is64, initial };
}
