import {
  MAX_STATE_GLOBALS,
  MAX_STATE_TABLES,
  type MemoryHeadroom,
  type ModuleState,
  type StateObstacle,
} from '../model/module-state.ts';
import type { FeatureSet } from './features.ts';
import { STATE_EXPORT_PREFIX } from './meter-imports.ts';
import type { ByteRange, ModuleLayout, StateKind } from './module-layout.ts';
import { Cursor } from './reader.ts';
import { rankOf, SECTION } from './sections.ts';
import type { MeterUsage } from './usage.ts';
import { ByteSink } from './writer.ts';

/** A longer name of the module's own would have to be kept with the artifact; ours are short. */
const MAX_OWN_NAME = 64;
const KIND_CODES: { readonly [Kind in StateKind]: number } = { table: 1, memory: 2, global: 3 };
const V128 = 0x7b;
const FUNCREF = 0x70;
const EXTERNREF = 0x6f;
const REF = 0x64;
const REF_NULL = 0x63;
const utf8 = new TextEncoder();

/** An export that is added; its index is that of the module as it came. */
export interface AddedExport {
  readonly name: string;
  readonly kind: StateKind;
  readonly index: number;
}

export interface StatePlan {
  readonly state: ModuleState;
  readonly added: readonly AddedExport[];
}

/** Which state a module has, and which exports it lacks for the host to reach it. */
export function planStateExports(
  bytes: Uint8Array,
  layout: ModuleLayout,
  usage: MeterUsage,
  features: FeatureSet,
): StatePlan {
  const obstacles = findObstacles(bytes, layout, usage, features);
  const headrooms = headroomsOf(layout, usage);
  if (obstacles.length > 0) {
    return { state: { memories: [], tables: [], globals: [], headrooms, obstacles }, added: [] };
  }
  const added: AddedExport[] = [];
  const reach = (kind: StateKind, index: number): string => {
    const own = layout.exportNames[kind].get(index);
    if (own !== undefined && own.length <= MAX_OWN_NAME) return own;
    const name = `${STATE_EXPORT_PREFIX}${kind}/${index}`;
    added.push({ name, kind, index });
    return name;
  };
  const state = {
    memories: layout.memories64.map((_, index) => reach('memory', index)),
    tables: [...usage.writtenTables].sort((a, b) => a - b).map((index) => reach('table', index)),
    globals: layout.mutableGlobals.map(({ index }) => reach('global', index)),
    headrooms,
    obstacles,
  };
  return { state, added };
}

function headroomsOf(layout: ModuleLayout, usage: MeterUsage): readonly MemoryHeadroom[] {
  return [...usage.sizedMemories]
    .sort((a, b) => a - b)
    .map((memory) => ({ memory, from: layout.memoryImports[memory] ?? null }));
}

/** Conservative: what cannot be told from the declarations and the set of instructions counts as an obstacle. */
function findObstacles(
  bytes: Uint8Array,
  layout: ModuleLayout,
  usage: MeterUsage,
  features: FeatureSet,
): readonly StateObstacle[] {
  const obstacles = new Set<StateObstacle>();
  if (features.names().includes('gc')) obstacles.add('gc-objects');
  for (const { type } of layout.mutableGlobals) {
    if (bytes[type.from] === V128) obstacles.add('v128-global');
    else if (!isNumber(bytes[type.from]!) && !isReadable(bytes, type)) obstacles.add('opaque-references');
  }
  for (const table of usage.writtenTables) {
    if (!isReadable(bytes, layout.tableTypes[table]!)) obstacles.add('opaque-references');
  }
  if (hasAll(usage.droppedData, usage.readData, layout.passiveData)) obstacles.add('data-drop');
  if (hasAll(usage.droppedElements, usage.readElements, layout.passiveElements))
    obstacles.add('element-drop');
  if (layout.mutableGlobals.length > MAX_STATE_GLOBALS || usage.writtenTables.size > MAX_STATE_TABLES) {
    obstacles.add('too-much-state');
  }
  return [...obstacles];
}

/** Whether some segment is dropped, read and there to begin with: active ones are gone after instantiation. */
function hasAll(dropped: Set<number>, read: Set<number>, passive: Set<number>): boolean {
  return [...dropped].some((segment) => read.has(segment) && passive.has(segment));
}

/** i32, i64, f32, f64. */
function isNumber(code: number): boolean {
  return code >= 0x7c && code <= 0x7f;
}

/** References that JavaScript can hold: functions and externals, nullable or not, in their short and long forms. */
function isReadable(bytes: Uint8Array, type: ByteRange): boolean {
  const cursor = new Cursor(bytes, type.from, type.to);
  const lead = cursor.u8();
  if (lead === FUNCREF || lead === EXTERNREF) return true;
  if (lead !== REF && lead !== REF_NULL) return false;
  const heap = cursor.s33();
  // An index is that of a function type, since without garbage collection there is no other.
  return heap >= 0 || heap + 0x80 === FUNCREF || heap + 0x80 === EXTERNREF;
}

/** `module` with exports appended, and nothing else changed; itself if there are none. */
export function withExports(
  bytes: Uint8Array,
  layout: ModuleLayout,
  added: readonly AddedExport[],
): Uint8Array {
  if (added.length === 0) return bytes;
  const isBefore = (id: number): boolean => id === SECTION.custom || rankOf(id) < rankOf(SECTION.export);
  const behind = layout.sections.findIndex(({ id }) => !isBefore(id));
  const next = layout.sections[behind];
  const own = next?.id === SECTION.export ? next : undefined;
  const sink = new ByteSink(bytes.length + added.length * 32 + 16);
  // A section's id and size stand before its content; the end of the section before it is where they begin.
  const at = behind === -1 ? bytes.length : (layout.sections[behind - 1]?.end ?? 8);
  sink.copy(bytes, 0, at);
  sink.u8(SECTION.export);
  sink.sized(bytes.length + added.length * 32, () => {
    sink.u32(layout.exports + added.length);
    if (own !== undefined) sink.copy(bytes, layout.exportsStart, own.end);
    writeExports(sink, added, 0, 0);
  });
  sink.copy(bytes, own?.end ?? at, bytes.length);
  return sink.written();
}

/** The entries of an export section; defined globals are numbered `globalShift` higher than before. */
export function writeExports(
  sink: ByteSink,
  added: readonly AddedExport[],
  importedGlobals: number,
  globalShift: number,
): void {
  for (const { name, kind, index } of added) {
    const bytes = utf8.encode(name);
    sink.u32(bytes.length);
    sink.copy(bytes, 0, bytes.length);
    sink.u8(KIND_CODES[kind]);
    sink.u32(kind === 'global' && index >= importedGlobals ? index + globalShift : index);
  }
}
