import { ByteReader } from './byte-reader.ts';
import { type Expression, NotInterpreted, readExpression } from './instruction.ts';
import { type FunctionType, readValueType, type ValueType } from './value-type.ts';

/** Bounds and address type of a memory or table. */
export interface Limits {
  readonly initial: number;
  readonly maximum: number | undefined;
  readonly is64: boolean;
}

export interface GlobalType {
  readonly type: ValueType;
  readonly isMutable: boolean;
}

export type ImportKind = 'function' | 'table' | 'memory' | 'global' | 'tag';

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ImportKind;
}

export interface Export {
  readonly name: string;
  readonly kind: ImportKind;
  readonly index: number;
}

export interface DefinedFunction {
  readonly locals: readonly ValueType[];
  readonly body: Expression;
}

/** Active segments have a place; passive ones wait; declared ones are never used. */
export interface Segment<T> {
  readonly mode: 'active' | 'passive' | 'declared';
  readonly target: number;
  readonly offset: Expression | undefined;
  readonly content: T;
}

/** A core module without objects: its lists are those of the index spaces, imports first. */
export interface ModuleFormat {
  readonly types: FunctionType[];
  readonly imports: Import[];
  /** Type indices. */
  readonly functions: number[];
  readonly tables: { readonly limits: Limits; readonly initial: Expression | undefined }[];
  readonly memories: Limits[];
  readonly globals: GlobalType[];
  /** Of the globals that are not imported. */
  readonly initializers: Expression[];
  readonly tags: number[];
  readonly exports: Export[];
  start: number | undefined;
  readonly elements: Segment<readonly Expression[]>[];
  readonly data: Segment<Uint8Array>[];
  readonly code: DefinedFunction[];
}

const KINDS: readonly ImportKind[] = ['function', 'table', 'memory', 'global', 'tag'];

function readLimits(reader: ByteReader): Limits {
  const flags = reader.u8();
  return {
    initial: reader.u32(),
    maximum: flags & 1 ? Number(reader.u64()) : undefined,
    is64: (flags & 4) !== 0,
  };
}

/** Sections that say what a module imports and exports: types, imports, functions, exports, tags. */
const SIGNATURES: ReadonlySet<number> = new Set([1, 2, 3, 7, 13]);

/** Without code and initial values, which may have what the machine does not know. */
export function readSignatures(bytes: Uint8Array): ModuleFormat {
  return readSections(bytes, (id) => SIGNATURES.has(id));
}

/** Throws `NotInterpreted` where there are types of objects. */
export function readModule(bytes: Uint8Array): ModuleFormat {
  if (readSignatures(bytes).types.includes(OBJECT)) throw new NotInterpreted('types of objects');
  return readSections(bytes, () => true);
}

function readSections(bytes: Uint8Array, isWanted: (id: number) => boolean): ModuleFormat {
  const module: ModuleFormat = {
    types: [],
    imports: [],
    functions: [],
    tables: [],
    memories: [],
    globals: [],
    initializers: [],
    tags: [],
    exports: [],
    start: undefined,
    elements: [],
    data: [],
    code: [],
  };
  const reader = new ByteReader(bytes, 8);
  while (reader.pos < bytes.length) {
    const id = reader.u8();
    const size = reader.u32();
    const end = reader.pos + size;
    if (isWanted(id)) readSection(module, reader, id);
    reader.pos = end;
  }
  return module;
}

function readSection(module: ModuleFormat, reader: ByteReader, id: number): void {
  const globalType = (): GlobalType => ({ type: readValueType(reader), isMutable: reader.u8() === 1 });
  const tag = (): number => {
    reader.u8();
    return reader.u32();
  };
  switch (id) {
    case 1:
      module.types.push(...reader.list(() => readTypes(reader)).flat());
      return;
    case 2:
      reader.list(() => readImport(module, reader, globalType, tag));
      return;
    case 3:
      module.functions.push(...reader.list(() => reader.u32()));
      return;
    case 4:
      reader.list(() => readTable(module, reader));
      return;
    case 5:
      module.memories.push(...reader.list(() => readLimits(reader)));
      return;
    case 6:
      reader.list(() => {
        module.globals.push(globalType());
        module.initializers.push(readExpression(reader, module));
      });
      return;
    case 7:
      module.exports.push(
        ...reader.list(() => ({ name: reader.name(), kind: KINDS[reader.u8()]!, index: reader.u32() })),
      );
      return;
    case 8:
      module.start = reader.u32();
      return;
    case 9:
      module.elements.push(...reader.list(() => readElements(module, reader)));
      return;
    case 10:
      module.code.push(...reader.list(() => readFunction(module, reader)));
      return;
    case 11:
      module.data.push(...reader.list(() => readData(module, reader)));
      return;
    case 13:
      module.tags.push(...reader.list(tag));
      return;
    default:
  }
}

/** Stands for a struct or an array. */
export const OBJECT: FunctionType = { parameters: [], results: [] };

/** One type, or the types of a group that refer to each other. */
function readTypes(reader: ByteReader): FunctionType[] {
  if (reader.bytes[reader.pos] !== 0x4e) return [readType(reader)];
  reader.pos++;
  return reader.list(() => readType(reader));
}

function readType(reader: ByteReader): FunctionType {
  const form = reader.u8();
  if (form === 0x50 || form === 0x4f) {
    reader.list(() => reader.u32());
    return readType(reader);
  }
  const field = (): void => {
    if (reader.bytes[reader.pos] === 0x78 || reader.bytes[reader.pos] === 0x77) reader.pos++;
    else readValueType(reader);
    reader.pos++;
  };
  if (form === 0x60) {
    const parameters = reader.list(() => readValueType(reader));
    return { parameters, results: reader.list(() => readValueType(reader)) };
  }
  if (form === 0x5f) reader.list(field);
  else if (form === 0x5e) field();
  else throw new NotInterpreted(`a type of form ${form}`);
  return OBJECT;
}

function readImport(
  module: ModuleFormat,
  reader: ByteReader,
  globalType: () => GlobalType,
  tag: () => number,
): void {
  const from = reader.name();
  const name = reader.name();
  const kind = KINDS[reader.u8()]!;
  module.imports.push({ module: from, name, kind });
  if (kind === 'function') module.functions.push(reader.u32());
  else if (kind === 'global') module.globals.push(globalType());
  else if (kind === 'tag') module.tags.push(tag());
  else throw new NotInterpreted(`an imported ${kind}`);
}

function readTable(module: ModuleFormat, reader: ByteReader): void {
  const hasInitial = reader.bytes[reader.pos] === 0x40;
  if (hasInitial) reader.pos += 2;
  readValueType(reader);
  const limits = readLimits(reader);
  module.tables.push({ limits, initial: hasInitial ? readExpression(reader, module) : undefined });
}

function readElements(module: ModuleFormat, reader: ByteReader): Segment<readonly Expression[]> {
  const flags = reader.u32();
  const mode = (flags & 1) === 0 ? 'active' : flags & 2 ? 'declared' : 'passive';
  const target = mode === 'active' && flags & 2 ? reader.u32() : 0;
  const offset = mode === 'active' ? readExpression(reader, module) : undefined;
  const hasExpressions = (flags & 4) !== 0;
  if (flags & 3) {
    if (hasExpressions) readValueType(reader);
    else reader.u8();
  }
  const content = reader.list(() =>
    hasExpressions ? readExpression(reader, module) : functionExpression(reader.u32()),
  );
  return { mode, target, offset, content };
}

/** `ref.func index end`, which the short form of segments leaves out. */
function functionExpression(index: number): Expression {
  const common = { b: 0, cost: 0, bytes: new Uint8Array() };
  return [
    { ...common, op: 0xd2, a: index, endsRun: false },
    { ...common, op: 0x0b, a: 0, endsRun: true },
  ];
}

function readData(module: ModuleFormat, reader: ByteReader): Segment<Uint8Array> {
  const flags = reader.u32();
  const target = flags === 2 ? reader.u32() : 0;
  const offset = flags === 1 ? undefined : readExpression(reader, module);
  return { mode: flags === 1 ? 'passive' : 'active', target, offset, content: reader.slice(reader.u32()) };
}

function readFunction(module: ModuleFormat, reader: ByteReader): DefinedFunction {
  reader.u32();
  const locals = reader
    .list(() => ({ count: reader.u32(), type: readValueType(reader) }))
    .flatMap(({ count, type }) => Array.from({ length: count }, () => type));
  return { locals, body: readExpression(reader, module) };
}
