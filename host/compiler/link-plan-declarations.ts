/**
 * Reads the type-level parts of a component binary (component model, Binary.md) into plain data. The upload has
 * passed component-sections.ts and jco's validator: what is malformed nevertheless throws, which publishing takes for
 * a fault of the host.
 */
import type { Cursor } from '../instrument/reader.ts';
import type { PrimitiveType } from '../model/link-plan.ts';
import {
  type Alias,
  type CoreSort,
  type Declaration,
  type ExternDescription,
  type FunctionDefinition,
  NotCovered,
  type Sort,
  type TypeDefinition,
  type TypeReference,
  type ValueDefinition,
} from './link-plan-entities.ts';

const PRIMITIVES: Readonly<Record<number, PrimitiveType>> = {
  127: 'bool',
  126: 's8',
  125: 'u8',
  124: 's16',
  123: 'u16',
  122: 's32',
  121: 'u32',
  120: 's64',
  119: 'u64',
  118: 'f32',
  117: 'f64',
  116: 'char',
  115: 'string',
  100: 'error-context',
};

const SORTS: readonly Sort[] = ['core', 'function', 'value', 'type', 'component', 'instance'];
const CORE_SORTS: readonly CoreSort[] = ['function', 'table', 'memory', 'global', 'tag'];

/** A vector of whatever `read` reads. */
export function readEach<T>(cursor: Cursor, read: () => T): T[] {
  const count = cursor.count('entries');
  const all: T[] = [];
  for (let i = 0; i < count; i++) all.push(read());
  return all;
}

export function readSort(cursor: Cursor): Sort {
  return SORTS[cursor.u8()] ?? cursor.fail('unknown sort');
}

export function readCoreSort(cursor: Cursor): CoreSort {
  return CORE_SORTS[cursor.u8()] ?? 'other';
}

/** `importname'` and `exportname'`. */
export function readExternName(cursor: Cursor): string {
  if (cursor.u8() > 1) throw new NotCovered('names of imports or exports have attributes');
  return cursor.name();
}

export function readExternDescription(cursor: Cursor): ExternDescription {
  const kind = readSort(cursor);
  switch (kind) {
    case 'function':
    case 'component':
    case 'instance':
      return { kind, type: cursor.u32() };
    case 'type':
      return { kind, equals: cursor.u8() === 0 ? cursor.u32() : undefined };
    case 'core':
    case 'value':
      throw new NotCovered(`a ${kind === 'core' ? 'core module' : 'value'} is imported or exported`);
  }
}

export function readAlias(cursor: Cursor): Alias {
  const sort = readSort(cursor);
  const coreSort = sort === 'core' ? readCoreSort(cursor) : undefined;
  switch (cursor.u8()) {
    case 0:
      return { sort, coreSort, target: { kind: 'export', instance: cursor.u32(), name: cursor.name() } };
    case 1:
      return { sort, coreSort, target: { kind: 'core export', instance: cursor.u32(), name: cursor.name() } };
    case 2:
      return { sort, coreSort, target: { kind: 'outer', levels: cursor.u32(), index: cursor.u32() } };
    default:
      return cursor.fail('unknown target of an alias');
  }
}

export function readTypeDefinition(cursor: Cursor): TypeDefinition {
  const form = cursor.u8();
  switch (form) {
    case 0x3f:
      cursor.u8();
      if (cursor.u8() === 1) cursor.u32();
      return { kind: 'resource' };
    case 0x40:
    case 0x43:
      return { kind: 'function', function: readFunctionType(cursor, form === 0x43) };
    case 0x41:
      readEach(cursor, () => readDeclaration(cursor));
      return { kind: 'component' };
    case 0x42:
      return {
        kind: 'instance',
        declarations: readEach(
          cursor,
          () => readDeclaration(cursor) ?? cursor.fail('an import in an instance'),
        ),
      };
    default:
      return { kind: 'value', value: readValueDefinition(cursor, form) };
  }
}

/** Undefined for an import, which only types of components have. */
function readDeclaration(cursor: Cursor): Declaration | undefined {
  switch (cursor.u8()) {
    case 1:
      return { kind: 'type', definition: readTypeDefinition(cursor) };
    case 2:
      return { kind: 'alias', alias: readAlias(cursor) };
    case 3:
      readExternName(cursor);
      readExternDescription(cursor);
      return undefined;
    case 4:
      return { kind: 'export', name: readExternName(cursor), description: readExternDescription(cursor) };
    default:
      return cursor.fail('unknown declaration');
  }
}

function readFunctionType(cursor: Cursor, isAsync: boolean): FunctionDefinition {
  return { isAsync, parameters: readFields(cursor), result: readResultList(cursor) };
}

/** `resultlist` */
export function readResultList(cursor: Cursor): TypeReference | null {
  if (cursor.u8() === 0) return readValueType(cursor);
  if (cursor.u8() !== 0) throw new NotCovered('a function has named results');
  return null;
}

function readFields(cursor: Cursor): [string, TypeReference][] {
  return readEach(cursor, () => [cursor.name(), readValueType(cursor)]);
}

function readValueType(cursor: Cursor): TypeReference {
  const primitive = PRIMITIVES[cursor.peek()];
  if (primitive === undefined) return cursor.u32();
  cursor.pos++;
  return primitive;
}

function readOptional(cursor: Cursor): TypeReference | null {
  return cursor.u8() === 0 ? null : readValueType(cursor);
}

function readValueDefinition(cursor: Cursor, form: number): ValueDefinition {
  switch (form) {
    case 0x72:
      return { kind: 'record', fields: readFields(cursor) };
    case 0x71:
      return { kind: 'variant', cases: readEach(cursor, () => readCase(cursor)) };
    case 0x70:
      return { kind: 'list', of: readValueType(cursor) };
    case 0x67:
      readValueType(cursor);
      cursor.u32();
      return { kind: 'other', what: 'lists of fixed length' };
    case 0x6f:
      return { kind: 'tuple', elements: readEach(cursor, () => readValueType(cursor)) };
    case 0x6e:
      return { kind: 'flags', names: readEach(cursor, () => cursor.name()) };
    case 0x6d:
      return { kind: 'enum', names: readEach(cursor, () => cursor.name()) };
    case 0x6b:
      return { kind: 'option', of: readValueType(cursor) };
    case 0x6a:
      return { kind: 'result', ok: readOptional(cursor), err: readOptional(cursor) };
    case 0x69:
      return { kind: 'own', resource: cursor.u32() };
    case 0x68:
      return { kind: 'borrow', resource: cursor.u32() };
    case 0x66:
      return { kind: 'stream', of: readOptional(cursor) };
    case 0x65:
      return { kind: 'future', of: readOptional(cursor) };
    case 0x63:
      readValueType(cursor);
      readValueType(cursor);
      return { kind: 'other', what: 'maps' };
    default: {
      const type = PRIMITIVES[form];
      return type === undefined ? cursor.fail('unknown type') : { kind: 'primitive', type };
    }
  }
}

function readCase(cursor: Cursor): [string, TypeReference | null] {
  const name = cursor.name();
  const type = readOptional(cursor);
  cursor.u8();
  return [name, type];
}
