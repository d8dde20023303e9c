import { MODULE_BOUNDS, type ModuleBounds } from './bounds.ts';
import { CodeMeter } from './code-meter.ts';
import { scanDeclarations } from './declarations.ts';
import { EditList } from './edits.ts';
import { FeatureSet } from './features.ts';
import { RESERVED_NAMES } from './meter-imports.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { ModuleShape } from './module-shape.ts';
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
  /** What was found in the bodies of functions. Whoever asked for the analysis releases it. */
  readonly code: CodeMeter;
}

/** Reads the whole module once, within `bounds`. Linear in its length. Throws `InstrumentError`. */
export function analyzeModule(source: Uint8Array, bounds: ModuleBounds = MODULE_BOUNDS): ModuleAnalysis {
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  const features = new FeatureSet();
  const usage = emptyUsage();
  const declarationEdits = new EditList();
  const layout = scanDeclarations(bytes, bounds, RESERVED_NAMES, features, declarationEdits);
  const code = new CodeMeter(bytes, layout, bounds);
  try {
    code.read();
    code.report(usage, features);
    return { bytes, layout, shape: shapeOf(layout, code, features), usage, features, declarationEdits, code };
  } catch (error) {
    code.release();
    throw error;
  }
}

function shapeOf(layout: ModuleLayout, code: CodeMeter, features: FeatureSet): ModuleShape {
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
    localsTotal: code.localsTotal,
    blockDepth: code.blockDepth,
    functionBytes: code.longestBody,
    hasStart: layout.hasStart,
    features: features.names(),
  };
}
