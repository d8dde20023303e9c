import { MODULE_BOUNDS, type ModuleBounds } from './bounds.ts';
import { scanDeclarations } from './declarations.ts';
import { EditList } from './edits.ts';
import { FeatureSet } from './features.ts';
import { FunctionReader } from './function-reader.ts';
import { RESERVED_NAMES } from './meter-imports.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { ModuleShape } from './module-shape.ts';
import { Cursor } from './reader.ts';
import { SECTION } from './sections.ts';
import { emptyUsage, type MeterUsage } from './usage.ts';

/** Everything that is known about a module after one pass over it. */
export interface ModuleAnalysis {
  /** The module as a plain `Uint8Array`, whatever it came as: code that sees two classes of arrays is slower for both. */
  readonly bytes: Uint8Array;
  readonly layout: ModuleLayout;
  readonly shape: ModuleShape;
  readonly usage: MeterUsage;
  readonly features: FeatureSet;
  readonly declarationEdits: EditList;
  /** What was found in the bodies of functions. */
  readonly functions: FunctionReader;
}

/** Reads the whole module once, within `bounds`. Linear in its length. Throws `InstrumentError`. */
export function analyzeModule(source: Uint8Array, bounds: ModuleBounds = MODULE_BOUNDS): ModuleAnalysis {
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  const features = new FeatureSet();
  const usage = emptyUsage();
  const declarationEdits = new EditList();
  const layout = scanDeclarations(bytes, bounds, RESERVED_NAMES, features, declarationEdits);
  const code = layout.sections.find(({ id }) => id === SECTION.code);
  const codeBytes = code === undefined ? 0 : code.end - code.start;
  const functions = new FunctionReader(bytes, layout, codeBytes, bounds, features, usage);
  if (code !== undefined) readBodies(new Cursor(bytes, layout.codeStart, code.end), layout.bodies, functions);
  return {
    bytes,
    layout,
    shape: shapeOf(layout, functions, features),
    usage,
    features,
    declarationEdits,
    functions,
  };
}

function readBodies(cursor: Cursor, bodies: number, functions: FunctionReader): void {
  for (let i = 0; i < bodies; i++) {
    const size = cursor.count('bytes of a function');
    functions.read(i, cursor.pos, cursor.pos + size);
    cursor.pos += size;
  }
  if (cursor.remaining > 0) cursor.fail('the code section is longer than its content');
}

function shapeOf(layout: ModuleLayout, functions: FunctionReader, features: FeatureSet): ModuleShape {
  return {
    functions: layout.bodies,
    types: layout.types.length,
    imports: layout.imports,
    exports: layout.exports,
    globals: layout.globals - layout.importedGlobals,
    memories: layout.memories64.length - layout.importedMemories,
    tables: layout.tables64.length - layout.importedTables,
    tags: layout.tags - layout.importedTags,
    dataSegments: layout.dataSegments,
    elementSegments: layout.elementSegments,
    initialMemoryBytes: layout.initialMemoryBytes + layout.initialObjectBytes,
    initialTableEntries: layout.initialTableEntries,
    localsTotal: functions.localsTotal,
    blockDepth: functions.recorder.maxDepth,
    functionBytes: functions.longestBody,
    hasStart: layout.hasStart,
    features: features.names(),
  };
}
