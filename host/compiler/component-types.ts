/**
 * Reads the type-level parts of a component binary (component model, Binary.md): types, aliases, import and
 * export declarations. Checks every name and how deeply types nest; learns nothing else.
 */
import type { Cursor } from '../instrument/reader.ts';
import { ComponentScope } from './component-scope.ts';
import { malformed, unsupported } from './refusal.ts';
import { assertComponentName, assertSafeName } from './safe-name.ts';
import type { StructureBudget } from './structure-budget.ts';

/** What an import or export is, by the first byte of its description or sort. */
export type ExternKind = 'module' | 'function' | 'value' | 'type' | 'component' | 'instance';

const EXTERN_KINDS: readonly ExternKind[] = ['module', 'function', 'value', 'type', 'component', 'instance'];

export interface ExternDescription {
  readonly kind: ExternKind;
  /** Whether a type import is a resource that the host would have to bring. */
  readonly isResource: boolean;
  /** Functions of an instance; undefined where only a link-time look could tell. */
  readonly functions: readonly string[] | undefined;
}

/** How deep component and instance types may sit in one another; each level is a level of recursion here. */
const MAX_TYPE_SCOPES = 16;

export class ComponentTypeReader {
  readonly #budget: StructureBudget;

  constructor(budget: StructureBudget) {
    this.#budget = budget;
  }

  /** `importname'` or `exportname'`: 0x00 and 0x01 both stand before a plain name. */
  externName(cursor: Cursor): string {
    const form = cursor.u8();
    if (form > 1) throw unsupported('The component uses names with attributes (version suffix, implements).');
    const name = cursor.name();
    assertComponentName(name);
    return name;
  }

  /** `externdesc`; adds what it introduces to the index spaces of the scope. */
  externDescription(cursor: Cursor, scope: ComponentScope): ExternDescription {
    const kind = EXTERN_KINDS[cursor.u8()];
    let isResource = false;
    let functions: readonly string[] | undefined;
    switch (kind) {
      case 'function':
        cursor.u32();
        break;
      case 'component':
        scope.components.push(scope.typeDepth(cursor.u32()));
        break;
      case 'instance': {
        const type = cursor.u32();
        functions = scope.typeFunctions.get(type);
        scope.instances.push(scope.typeDepth(type));
        break;
      }
      case 'type': {
        const bound = cursor.u8();
        if (bound > 1) throw malformed(`Unknown type bound ${bound}.`);
        isResource = bound === 1;
        this.#addType(scope, isResource ? 1 : scope.typeDepth(cursor.u32()));
        break;
      }
      case 'module':
      case 'value':
        throw unsupported(
          `The component imports or exports a ${kind === 'module' ? 'core module' : 'value'}.`,
        );
      case undefined:
        throw malformed('Unknown kind of import or export.');
    }
    return { kind, isResource, functions };
  }

  /** `alias`, at component level (`scope` is the component's) or in a type. */
  alias(cursor: Cursor, scope: ComponentScope): void {
    this.#budget.add('types', 1);
    const sort = cursor.u8();
    if (sort === 0x00) cursor.u8();
    const target = cursor.u8();
    let depth: { type: number; instance: number; component: number };
    if (target === 0x00) {
      const of = scope.instanceDepth(cursor.u32());
      assertComponentName(cursor.name());
      depth = { type: of, instance: of, component: of };
    } else if (target === 0x01) {
      cursor.u32();
      assertSafeName(cursor.name());
      depth = { type: 0, instance: 0, component: 0 };
    } else if (target === 0x02) {
      const outer = scope.outer(cursor.u32());
      const index = cursor.u32();
      depth = {
        type: outer?.typeDepth(index) ?? 0,
        instance: outer?.instanceDepth(index) ?? 0,
        component: outer?.componentDepth(index) ?? 0,
      };
    } else {
      throw malformed(`Unknown alias target ${target}.`);
    }
    if (sort === 0x03) this.#addType(scope, depth.type);
    else if (sort === 0x04) scope.components.push(depth.component);
    else if (sort === 0x05) scope.instances.push(depth.instance);
  }

  /** One `deftype`, added to the scope. */
  define(cursor: Cursor, scope: ComponentScope, level = 0): void {
    this.#budget.add('types', 1);
    const isInstance = cursor.bytes[cursor.pos] === 0x42;
    const functions: string[] = [];
    this.#addType(scope, this.#definition(cursor, scope, level, functions));
    if (isInstance) scope.typeFunctions.set(scope.types.length - 1, functions);
  }

  #addType(scope: ComponentScope, depth: number): void {
    this.#budget.check('typeDepth', depth);
    scope.types.push(depth);
  }

  /** @param functions filled with the names of an instance type's */
  #definition(cursor: Cursor, scope: ComponentScope, level: number, functions: string[]): number {
    const form = cursor.u8();
    switch (form) {
      case 0x3f: // resource with an optional destructor
        cursor.u8();
        if (cursor.u8() === 1) cursor.u32();
        return 1;
      case 0x40: // function
      case 0x43: // async function
        return this.#functionType(cursor, scope);
      case 0x41:
      case 0x42:
        return this.#scopedType(cursor, scope, level, form === 0x41, functions);
      case 0x72: // record
        return 1 + this.#fields(cursor, scope);
      case 0x71: // variant
        return 1 + this.#cases(cursor, scope);
      case 0x70: // list
        return 1 + this.#valueType(cursor, scope);
      case 0x67: {
        // list of fixed length
        const depth = this.#valueType(cursor, scope);
        cursor.u32();
        return 1 + depth;
      }
      case 0x6f: // tuple
        return 1 + this.#deepestOf(cursor.count('entries'), () => this.#valueType(cursor, scope));
      case 0x6e: // flags
      case 0x6d: // enum
        return this.#deepestOf(cursor.count('entries'), () => this.#label(cursor)) + 1;
      case 0x6b: // option
        return 1 + this.#valueType(cursor, scope);
      case 0x6a: // result
        return 1 + Math.max(this.#optional(cursor, scope), this.#optional(cursor, scope));
      case 0x69: // own
      case 0x68: // borrow
        return 1 + scope.typeDepth(cursor.u32());
      case 0x66: // stream
      case 0x65: // future
        return 1 + this.#optional(cursor, scope);
      case 0x63: // map
        return 1 + Math.max(this.#valueType(cursor, scope), this.#valueType(cursor, scope));
      default:
        if (isPrimitive(form)) return 1;
        throw unsupported(`The component declares a type of the unknown form 0x${form.toString(16)}.`);
    }
  }

  #functionType(cursor: Cursor, scope: ComponentScope): number {
    const parameters = this.#fields(cursor, scope);
    const results = cursor.u8();
    if (results === 0x00) return 1 + Math.max(parameters, this.#valueType(cursor, scope));
    if (results === 0x01 && cursor.u8() === 0x00) return 1 + parameters;
    throw unsupported('The component declares a function with named results.');
  }

  /** `componenttype` or `instancetype`: declarations in a scope of their own. */
  #scopedType(
    cursor: Cursor,
    parent: ComponentScope,
    level: number,
    isComponent: boolean,
    functions: string[],
  ): number {
    if (level >= MAX_TYPE_SCOPES) this.#budget.check('typeDepth', Number.POSITIVE_INFINITY);
    const scope = new ComponentScope(parent);
    const count = cursor.count('entries');
    for (let i = 0; i < count; i++) {
      const declaration = cursor.u8();
      if (declaration === 0x01) this.define(cursor, scope, level + 1);
      else if (declaration === 0x02) this.alias(cursor, scope);
      else if (declaration === 0x04 || (declaration === 0x03 && isComponent)) {
        const name = this.externName(cursor);
        if (this.externDescription(cursor, scope).kind === 'function') functions.push(name);
      } else if (declaration === 0x00) throw unsupported('The component declares core types.');
      else throw malformed(`Unknown declaration ${declaration} in a type.`);
    }
    return scope.deepest();
  }

  #fields(cursor: Cursor, scope: ComponentScope): number {
    return this.#deepestOf(cursor.count('entries'), () => {
      this.#label(cursor);
      return this.#valueType(cursor, scope);
    });
  }

  #cases(cursor: Cursor, scope: ComponentScope): number {
    return this.#deepestOf(cursor.count('entries'), () => {
      this.#label(cursor);
      const depth = this.#optional(cursor, scope);
      if (cursor.u8() !== 0x00) throw unsupported('The component declares a variant case with `refines`.');
      return depth;
    });
  }

  #label(cursor: Cursor): number {
    assertComponentName(cursor.name());
    return 0;
  }

  #optional(cursor: Cursor, scope: ComponentScope): number {
    return cursor.u8() === 0x01 ? this.#valueType(cursor, scope) : 0;
  }

  /** A primitive, or the index of a type defined before: a signed 33-bit LEB whose sign tells which. */
  #valueType(cursor: Cursor, scope: ComponentScope): number {
    const first = cursor.bytes[cursor.pos];
    if (first !== undefined && isPrimitive(first)) {
      cursor.pos++;
      return 0;
    }
    return scope.typeDepth(cursor.u32());
  }

  #deepestOf(count: number, read: () => number): number {
    let deepest = 0;
    for (let i = 0; i < count; i++) deepest = Math.max(deepest, read());
    return deepest;
  }
}

/** bool (0x7f) to string (0x73), and error-context (0x64). */
function isPrimitive(byte: number): boolean {
  return (byte >= 0x73 && byte <= 0x7f) || byte === 0x64;
}
