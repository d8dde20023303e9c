/**
 * Scans an upload before any tool with a parser of its own sees it: structure within COMPONENT_LIMITS, names
 * that are safe in generated code, every nested core module inspected. Linear in the upload's size and bounded in
 * recursion; throws `component_malformed`, `component_too_complex` or `component_unsupported`.
 *
 * It is no validator: jco's (wasmparser) and V8's follow. It keeps from them what makes them slow, deep or big.
 */

import { Cursor } from '../instrument/reader.ts';
import { readPreamble, readSection } from '../instrument/sections.ts';
import { ComponentScope } from './component-scope.ts';
import { ComponentTypeReader, type ExternDescription } from './component-types.ts';
import { inspectCoreModule } from './core-module.ts';
import { malformed, refusing, unsupported } from './refusal.ts';
import { assertComponentName, assertSafeName } from './safe-name.ts';
import { StructureBudget } from './structure-budget.ts';

/** An import or export of the outermost component. */
export interface ComponentExtern extends ExternDescription {
  readonly name: string;
}

export interface ComponentShape {
  readonly imports: readonly ComponentExtern[];
  readonly exports: readonly ComponentExtern[];
  /** Core modules at any depth. */
  readonly coreModules: number;
  /** Where the outermost component's custom sections lie, as `[start, end)` with their heads. */
  readonly customSections: readonly (readonly [start: number, end: number])[];
}

/** Section ids of a component (component model, Binary.md). */
const SECTION = {
  custom: 0,
  coreModule: 1,
  coreInstance: 2,
  coreType: 3,
  component: 4,
  instance: 5,
  alias: 6,
  type: 7,
  canonical: 8,
  start: 9,
  import: 10,
  export: 11,
  value: 12,
} as const;

/** Scans a component. */
export function scanComponent(bytes: Uint8Array): ComponentShape {
  return refusing('The component is not valid', () => {
    if (readPreamble(bytes) !== 'component') throw malformed('A core module is not a component.');
    return new Scanner().scan(bytes);
  });
}

class Scanner {
  readonly #budget = new StructureBudget();
  readonly #types = new ComponentTypeReader(this.#budget);
  readonly #imports: ComponentExtern[] = [];
  readonly #exports: ComponentExtern[] = [];
  readonly #customSections: [number, number][] = [];
  #coreModules = 0;

  scan(bytes: Uint8Array): ComponentShape {
    this.#component(new Cursor(bytes, 8), undefined, 0);
    return {
      imports: this.#imports,
      exports: this.#exports,
      coreModules: this.#coreModules,
      customSections: this.#customSections,
    };
  }

  /** Sections of one component, after its preamble. */
  #component(cursor: Cursor, parent: ComponentScope | undefined, depth: number): ComponentScope {
    this.#budget.check('componentDepth', depth);
    const scope = new ComponentScope(parent);
    while (cursor.remaining > 0) {
      const head = cursor.pos;
      const { id, start, end } = readSection(cursor);
      this.#section(id, new Cursor(cursor.bytes, start, end), scope, depth);
      if (id === SECTION.custom && depth === 0) this.#customSections.push([head, end]);
    }
    return scope;
  }

  #section(id: number, section: Cursor, scope: ComponentScope, depth: number): void {
    switch (id) {
      case SECTION.custom:
        section.name();
        break;
      case SECTION.coreModule:
        this.#coreModule(section);
        break;
      case SECTION.component:
        this.#nestedComponent(section, scope, depth);
        break;
      case SECTION.coreInstance:
        this.#each(section, 'core instance', () => this.#coreInstance(section));
        break;
      case SECTION.instance:
        this.#each(section, 'instance', () => this.#instance(section, scope));
        break;
      case SECTION.alias:
        this.#each(section, 'alias', () => this.#types.alias(section, scope));
        break;
      case SECTION.type:
        this.#each(section, 'type', () => this.#types.define(section, scope));
        break;
      case SECTION.canonical:
        // Each lifts or lowers a function, or is a built-in one; none holds a name.
        this.#budget.add('functions', section.count('entries'));
        break;
      case SECTION.import:
        this.#each(section, 'import', () => this.#import(section, scope, depth));
        break;
      case SECTION.export:
        this.#each(section, 'export', () => this.#export(section, scope, depth));
        break;
      case SECTION.coreType:
        throw unsupported('The component declares core types (for example to import core modules).');
      case SECTION.start:
        throw unsupported('The component has a start section.');
      case SECTION.value:
        throw unsupported('The component has a value section.');
      default:
        throw malformed(`The component has a section with the unknown id ${id}.`);
    }
  }

  #each(section: Cursor, what: string, read: () => void): void {
    const count = section.count('entries');
    for (let i = 0; i < count; i++) read();
    if (section.remaining > 0) throw malformed(`The ${what} section is longer than its entries.`);
  }

  #coreModule(section: Cursor): void {
    this.#budget.add('modules', 1);
    this.#coreModules++;
    inspectCoreModule(section.bytes.subarray(section.pos, section.end), this.#budget);
  }

  #nestedComponent(section: Cursor, scope: ComponentScope, depth: number): void {
    this.#budget.add('modules', 1);
    if (readPreamble(section.bytes.subarray(section.pos, section.end)) !== 'component') {
      throw malformed('A nested component has a wrong preamble.');
    }
    const body = new Cursor(section.bytes, section.pos + 8, section.end);
    const nested = this.#component(body, scope, depth + 1);
    scope.componentFunctions.set(scope.components.length, nested.exportedFunctions);
    scope.components.push(nested.deepest());
  }

  #coreInstance(section: Cursor): void {
    const form = section.u8();
    if (form > 1) throw malformed(`Unknown form ${form} of a core instance.`);
    if (form === 0) section.u32();
    const count = section.count('entries');
    this.#budget.add(form === 0 ? 'imports' : 'exports', count);
    for (let i = 0; i < count; i++) {
      assertSafeName(section.name());
      section.u8();
      section.u32();
    }
  }

  #instance(section: Cursor, scope: ComponentScope): void {
    const form = section.u8();
    if (form > 1) throw malformed(`Unknown form ${form} of an instance.`);
    // What an instance has is what its component has, or what it is put together from.
    const component = form === 0 ? section.u32() : -1;
    let deepest = scope.componentDepth(component);
    const functions: string[] = [];
    const count = section.count('entries');
    this.#budget.add(form === 0 ? 'imports' : 'exports', count);
    for (let i = 0; i < count; i++) {
      let name = '';
      if (form === 0) assertComponentName(section.name());
      else name = this.#types.externName(section);
      const of = this.#sortIndex(section, scope);
      deepest = Math.max(deepest, of.depth);
      if (of.sort === 0x01) functions.push(name);
    }
    const known = form === 0 ? scope.componentFunctions.get(component) : functions;
    if (known !== undefined) scope.instanceFunctions.set(scope.instances.length, known);
    scope.instances.push(deepest);
  }

  /** `sortidx`: what it refers to and how deep its types are. */
  #sortIndex(section: Cursor, scope: ComponentScope): { sort: number; index: number; depth: number } {
    const sort = section.u8();
    if (sort === 0x00) section.u8();
    const index = section.u32();
    if (sort === 0x03) return { sort, index, depth: scope.typeDepth(index) };
    if (sort === 0x04) return { sort, index, depth: scope.componentDepth(index) };
    if (sort === 0x05) return { sort, index, depth: scope.instanceDepth(index) };
    return { sort, index, depth: 0 };
  }

  #import(section: Cursor, scope: ComponentScope, depth: number): void {
    this.#budget.add('imports', 1);
    const name = this.#types.externName(section);
    const description = this.#types.externDescription(section, scope);
    if (depth === 0) this.#imports.push({ name, ...description });
  }

  #export(section: Cursor, scope: ComponentScope, depth: number): void {
    this.#budget.add('exports', 1);
    const name = this.#types.externName(section);
    const of = this.#sortIndex(section, scope);
    // The export is a new index of its sort; a description may narrow its type, which adds no depth.
    const ascribed = section.u8();
    if (ascribed === 0x01) this.#types.externDescription(section, new ComponentScope(scope));
    else if (ascribed !== 0x00) throw malformed(`The export ${name} is malformed.`);
    if (of.sort === 0x03) scope.types.push(of.depth);
    else if (of.sort === 0x04) scope.components.push(of.depth);
    else if (of.sort === 0x05) scope.instances.push(of.depth);
    else if (of.sort === 0x01) scope.exportedFunctions.push(name);
    const kind = EXPORT_KINDS[of.sort];
    if (kind === undefined) throw malformed(`The export ${name} is of an unknown kind.`);
    const functions = of.sort === 0x05 ? scope.instanceFunctions.get(of.index) : undefined;
    if (functions !== undefined) scope.instanceFunctions.set(scope.instances.length - 1, functions);
    if (depth === 0) this.#exports.push({ name, kind, isResource: false, functions });
  }
}

const EXPORT_KINDS = ['module', 'function', 'value', 'type', 'component', 'instance'] as const;

/**
 * The component without the custom sections at its outermost level (names, producers, documentation): nobody
 * reads them here, and jco need not either.
 */
export function withoutCustomSections(bytes: Uint8Array, shape: ComponentShape): Uint8Array {
  const kept: Uint8Array[] = [];
  let from = 0;
  for (const [start, end] of shape.customSections) {
    kept.push(bytes.subarray(from, start));
    from = end;
  }
  kept.push(bytes.subarray(from));
  return Buffer.concat(kept);
}
