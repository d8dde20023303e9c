/** Reads canonical definitions (component model, Binary.md): what is lifted, what is lowered, which built-ins are used. */
import type { Cursor } from '../instrument/reader.ts';
import type {
  CanonicalFunction,
  CanonicalOptions,
  CoreExport,
  LiftedFunction,
  TypeIndex,
} from '../model/link-plan.ts';
import { SUSPENDING_IMPORTS } from '../wasi/suspending-imports.ts';
import { readResultList } from './link-plan-declarations.ts';
import { type FunctionEntity, NotCovered } from './link-plan-entities.ts';
import { at, type PlanScope } from './link-plan-scope.ts';
import type { PlanTypes } from './link-plan-types.ts';

/** What reading one canonical definition adds to its component. */
export type Canonical =
  | { readonly kind: 'lift' }
  | { readonly kind: 'core'; readonly function: CanonicalFunction };

const SUSPENDING = new Set(SUSPENDING_IMPORTS);
const STRING_ENCODINGS = ['utf8', 'utf16', 'latin1+utf16'] as const;

/** Reads one `canon`. A lifted function is added to `scope` here; a core function is the caller's to number. */
export function readCanonical(cursor: Cursor, scope: PlanScope, types: PlanTypes): Canonical {
  const opcode = cursor.u8();
  switch (opcode) {
    case 0x00: {
      cursor.u8();
      const core = at(scope.coreFunctions, cursor.u32());
      const options = readOptions(cursor, scope);
      const type = at(scope.types, cursor.u32());
      scope.functions.push({ kind: 'lifted', component: scope.component, core, options, type });
      return { kind: 'lift' };
    }
    case 0x01:
      cursor.u8();
      return { kind: 'core', function: readLower(cursor, scope, types) };
    default:
      return { kind: 'core', function: readBuiltIn(opcode, cursor, scope, types) };
  }
}

function readLower(cursor: Cursor, scope: PlanScope, types: PlanTypes): CanonicalFunction {
  const of = at(scope.functions, cursor.u32());
  const options = readOptions(cursor, scope);
  if (of.kind === 'lifted') {
    if (of.component === scope.component) throw new NotCovered('it calls functions that it lifted itself');
    const callee = liftedFunction('', of, types);
    if (callee.type.isAsync || callee.options.isAsync || options.isAsync)
      throw new NotCovered('its components call asynchronous functions of one another');
    return { kind: 'adapter', callee, options };
  }
  const type = types.functionType(of.type);
  return {
    kind: 'lower',
    interface: of.interface,
    name: of.name,
    type,
    options,
    mayWait: (type.isAsync && !options.isAsync) || SUSPENDING.has(`${of.interface}#${of.name}`),
  };
}

/** A lifted function as the plan has it. */
export function liftedFunction(
  name: string,
  { component, core, options, type }: Extract<FunctionEntity, { kind: 'lifted' }>,
  types: PlanTypes,
): LiftedFunction {
  if (core.kind !== 'export') throw new NotCovered('it lifts functions of the host');
  return { component, name, type: types.functionType(type), core: core.of, options };
}

function readOptions(cursor: Cursor, scope: PlanScope): CanonicalOptions {
  let memory: CoreExport | null = null;
  let realloc: CoreExport | null = null;
  let postReturn: CoreExport | null = null;
  let callback: CoreExport | null = null;
  let stringEncoding: CanonicalOptions['stringEncoding'] = 'utf8';
  let isAsync = false;
  const count = cursor.count('options');
  for (let i = 0; i < count; i++) {
    const option = cursor.u8();
    switch (option) {
      case 0x00:
      case 0x01:
      case 0x02:
        stringEncoding = STRING_ENCODINGS[option];
        break;
      case 0x03:
        memory = at(scope.coreMemories, cursor.u32());
        break;
      case 0x04:
        realloc = exportedFunction(scope, cursor.u32());
        break;
      case 0x05:
        postReturn = exportedFunction(scope, cursor.u32());
        break;
      case 0x06:
        isAsync = true;
        break;
      case 0x07:
        callback = exportedFunction(scope, cursor.u32());
        break;
      default:
        throw new NotCovered('it uses canonical options that this host does not know');
    }
  }
  return { memory, realloc, postReturn, callback, stringEncoding, isAsync };
}

function exportedFunction(scope: PlanScope, index: number): CoreExport {
  const item = at(scope.coreFunctions, index);
  if (item.kind === 'function') throw new NotCovered('a function of the host serves as realloc or callback');
  return item.of;
}

function readBuiltIn(opcode: number, cursor: Cursor, scope: PlanScope, types: PlanTypes): CanonicalFunction {
  const type = (): TypeIndex => types.value(at(scope.types, cursor.u32()));
  const options = (): CanonicalOptions => readOptions(cursor, scope);
  const flag = (): boolean => cursor.u8() !== 0;
  switch (opcode) {
    case 0x03:
      return { kind: 'resource.drop', resource: types.resource(at(scope.types, cursor.u32())) };
    case 0x02:
    case 0x04:
      throw new NotCovered('it defines resource types of its own');
    case 0x05:
      return { kind: 'task.cancel' };
    case 0x06:
      return { kind: 'subtask.cancel', isAsync: flag() };
    case 0x08:
      return { kind: 'backpressure.set' };
    case 0x09:
      return {
        kind: 'task.return',
        result: types.optional(readResultList(cursor), scope),
        options: options(),
      };
    case 0x0a:
    case 0x0b:
      if (cursor.u8() !== 0x7f) throw new NotCovered('it keeps 64-bit values in its context');
      return { kind: opcode === 0x0a ? 'context.get' : 'context.set', slot: cursor.u32() };
    case 0x0c:
      return { kind: 'thread.yield', isCancellable: flag() };
    case 0x0d:
      return { kind: 'subtask.drop' };
    case 0x0e:
      return { kind: 'stream.new', type: type() };
    case 0x0f:
      return { kind: 'stream.read', type: type(), options: options() };
    case 0x10:
      return { kind: 'stream.write', type: type(), options: options() };
    case 0x11:
      return { kind: 'stream.cancel-read', type: type(), isAsync: flag() };
    case 0x12:
      return { kind: 'stream.cancel-write', type: type(), isAsync: flag() };
    case 0x13:
      return { kind: 'stream.drop-readable', type: type() };
    case 0x14:
      return { kind: 'stream.drop-writable', type: type() };
    case 0x15:
      return { kind: 'future.new', type: type() };
    case 0x16:
      return { kind: 'future.read', type: type(), options: options() };
    case 0x17:
      return { kind: 'future.write', type: type(), options: options() };
    case 0x18:
      return { kind: 'future.cancel-read', type: type(), isAsync: flag() };
    case 0x19:
      return { kind: 'future.cancel-write', type: type(), isAsync: flag() };
    case 0x1a:
      return { kind: 'future.drop-readable', type: type() };
    case 0x1b:
      return { kind: 'future.drop-writable', type: type() };
    case 0x1c:
      return { kind: 'error-context.new', options: options() };
    case 0x1d:
      return { kind: 'error-context.debug-message', options: options() };
    case 0x1e:
      return { kind: 'error-context.drop' };
    case 0x1f:
      return { kind: 'waitable-set.new' };
    case 0x20:
    case 0x21:
      return {
        kind: opcode === 0x20 ? 'waitable-set.wait' : 'waitable-set.poll',
        isCancellable: flag(),
        memory: at(scope.coreMemories, cursor.u32()),
      };
    case 0x22:
      return { kind: 'waitable-set.drop' };
    case 0x23:
      return { kind: 'waitable.join' };
    case 0x24:
      return { kind: 'backpressure.inc' };
    case 0x25:
      return { kind: 'backpressure.dec' };
    default:
      throw new NotCovered('it uses threads or other built-ins that this host does not know');
  }
}
