/**
 * Reads how a component is linked: its index spaces resolved into a `LinkPlan`, for the shapes that wit-component and
 * its like emit. Everything else keeps jco's glue.
 *
 * It runs in the publishing process on bytes that passed component-sections.ts (bounded structure) and jco's
 * validator; it checks no types, does linear work (`PlanWork`) and recurses as deep as the two let it.
 */
import { Cursor } from '../instrument/reader.ts';
import { readSection } from '../instrument/sections.ts';
import { takesEventsOnly } from '../model/artifact.ts';
import type {
  ComponentIndex,
  CoreFunction,
  CoreInstance,
  CoreInstanceIndex,
  CoreItem,
  LiftedFunction,
  LinkPlan,
} from '../model/link-plan.ts';
import { liftedFunction, readCanonical } from './link-plan-canon.ts';
import {
  readAlias,
  readCoreSort,
  readEach,
  readExternDescription,
  readExternName,
  readSort,
  readTypeDefinition,
} from './link-plan-declarations.ts';
import { type ComponentEntity, type Entity, type InstanceEntity, NotCovered } from './link-plan-entities.ts';
import { at, importedInstance, PlanScope, PlanWork } from './link-plan-scope.ts';
import { PlanTypes } from './link-plan-types.ts';
import type { CoreModule } from './transpile.ts';
import { importKey, type World } from './world.ts';

/** A plan, or why the component has none (for people). */
export type LinkPlanReading =
  | { readonly plan: LinkPlan; readonly reason: undefined }
  | { readonly plan: undefined; readonly reason: string };

/** @param modules core modules as jco emitted them: they lend their names, matched by content */
export function readLinkPlan(
  component: Uint8Array,
  world: World,
  modules: readonly CoreModule[],
): LinkPlanReading {
  try {
    return { plan: new PlanReader(component, modules).read(world), reason: undefined };
  } catch (error) {
    if (error instanceof NotCovered) return { plan: undefined, reason: error.message };
    throw error;
  }
}

class PlanReader {
  readonly #bytes: Uint8Array;
  readonly #modules: readonly CoreModule[];
  readonly #work = new PlanWork();
  readonly #types = new PlanTypes(this.#work);
  readonly #coreFunctions: CoreFunction[] = [];
  readonly #coreInstances: CoreInstance[] = [];
  /** By where they begin in the upload. */
  readonly #moduleNames = new Map<number, string>();
  #components = 0;
  readonly #number = (): ComponentIndex => this.#components++;

  constructor(bytes: Uint8Array, modules: readonly CoreModule[]) {
    this.#bytes = bytes;
    this.#modules = modules;
  }

  read({ handler, handlerInterface, eventInterfaces }: World): LinkPlan {
    const scope = new PlanScope(this.#number);
    this.#component(8, this.#bytes.length, scope, undefined);
    const functionsOf = (name: string): LiftedFunction[] => {
      const found = scope.exports.get(name);
      if (found?.sort !== 'instance') throw new Error(`the component does not export ${name}`);
      return this.#lifted(found.of);
    };
    const exports = takesEventsOnly(handler) ? [] : functionsOf(handlerInterface);
    const eventExports = Object.fromEntries(
      Object.entries(eventInterfaces).map(([name, of]) => {
        const handle = functionsOf(of).find((lifted) => lifted.name === 'handle');
        if (handle === undefined) throw new Error(`${of} has no function to handle events`);
        return [name, handle];
      }),
    );
    this.#assertAdaptersDoNotWait();
    return {
      formatVersion: 1,
      components: this.#components,
      exports,
      eventExports,
      types: this.#types.types,
      resources: this.#types.resources,
      coreFunctions: this.#coreFunctions,
      coreInstances: this.#coreInstances,
    };
  }

  #lifted(handler: InstanceEntity): LiftedFunction[] {
    const lifted: LiftedFunction[] = [];
    for (const [name, entity] of handler) {
      if (entity.sort !== 'function') continue;
      if (entity.of.kind !== 'lifted') throw new NotCovered('its handler is a function of the host');
      lifted.push(liftedFunction(name, entity.of, this.#types));
    }
    return lifted;
  }

  /** A component that another one calls has that one's frames below it, and the host's between: it cannot be parked. */
  #assertAdaptersDoNotWait(): void {
    const called = new Set<ComponentIndex>();
    for (const made of this.#coreFunctions) if (made.kind === 'adapter') called.add(made.callee.component);
    for (const made of this.#coreFunctions) {
      if (called.has(made.component) && (WAITING.has(made.kind) || (made.kind === 'lower' && made.mayWait)))
        throw new NotCovered('it is composed of components that wait within calls of one another');
    }
  }

  /** @param given imports of a component inside the outermost one, which has none */
  #component(start: number, end: number, scope: PlanScope, given: InstanceEntity | undefined): void {
    const cursor = new Cursor(this.#bytes, start, end);
    while (cursor.remaining > 0) {
      const section = readSection(cursor);
      this.#section(section.id, new Cursor(this.#bytes, section.start, section.end), scope, given);
    }
  }

  #section(id: number, section: Cursor, scope: PlanScope, given: InstanceEntity | undefined): void {
    switch (id) {
      case 0:
        return;
      case 1:
        scope.coreModules.push(this.#moduleName(section));
        return;
      case 4:
        scope.components.push({ start: section.pos + 8, end: section.end, scope });
        return;
      default:
        // One component may be instantiated again and again, by others that are.
        if (given !== undefined) this.#work.add(section.remaining >> 3);
        this.#definitions(id, section, scope, given);
    }
  }

  #definitions(id: number, section: Cursor, scope: PlanScope, given: InstanceEntity | undefined): void {
    switch (id) {
      case 2:
        this.#each(section, () => scope.coreInstances.push(this.#coreInstance(section, scope)));
        return;
      case 5:
        this.#each(section, () => scope.instances.push(this.#instance(section, scope)));
        return;
      case 6:
        this.#each(section, () => scope.alias(readAlias(section)));
        return;
      case 7:
        this.#each(section, () => scope.define(readTypeDefinition(section)));
        return;
      case 8:
        this.#each(section, () => this.#canonical(section, scope));
        return;
      case 10:
        this.#each(section, () => this.#import(section, scope, given));
        return;
      case 11:
        this.#each(section, () => this.#export(section, scope));
        return;
      default:
        throw new NotCovered(`it has a section with the id ${id}`);
    }
  }

  #each(section: Cursor, read: () => unknown): void {
    const count = section.count('entries');
    this.#work.add(count);
    for (let i = 0; i < count; i++) read();
  }

  /** Two modules with the same content are one for us. */
  #moduleName(section: Cursor): string {
    const known = this.#moduleNames.get(section.pos);
    if (known !== undefined) return known;
    const bytes = section.bytes.subarray(section.pos, section.end);
    const module = this.#modules.find((candidate) => Buffer.compare(candidate.bytes, bytes) === 0);
    if (module === undefined) throw new NotCovered('jco changed one of its core modules');
    this.#moduleNames.set(section.pos, module.name);
    return module.name;
  }

  #coreInstance(section: Cursor, scope: PlanScope): CoreInstanceIndex {
    return this.#coreInstances.push(this.#readCoreInstance(section, scope)) - 1;
  }

  #readCoreInstance(section: Cursor, scope: PlanScope): CoreInstance {
    if (section.u8() === 0) {
      const module = at(scope.coreModules, section.u32());
      const given = readEach(section, () => {
        const namespace = section.name();
        section.u8();
        return [namespace, at(scope.coreInstances, section.u32())] as const;
      });
      this.#work.add(given.length);
      return { kind: 'instantiate', module, arguments: given };
    }
    const items = readEach(section, () => {
      const name = section.name();
      const sort = readCoreSort(section);
      return [name, scope.coreItem(sort, section.u32())] as const;
    });
    this.#work.add(items.length);
    return { kind: 'exports', items };
  }

  #canonical(section: Cursor, scope: PlanScope): void {
    const canonical = readCanonical(section, scope, this.#types);
    if (canonical.kind === 'lift') return;
    const item: CoreItem = {
      kind: 'function',
      function: this.#coreFunctions.push({ component: scope.component, ...canonical.function }) - 1,
    };
    scope.coreFunctions.push(item);
  }

  #instance(section: Cursor, scope: PlanScope): InstanceEntity {
    if (section.u8() === 0) {
      const component = at(scope.components, section.u32());
      return this.#instantiate(
        component,
        this.#named(section, scope, () => section.name()),
      );
    }
    return this.#named(section, scope, () => readExternName(section));
  }

  #named(section: Cursor, scope: PlanScope, readName: () => string): Map<string, Entity> {
    return new Map(
      readEach(section, () => {
        this.#work.add(1);
        const name = readName();
        const sort = readSort(section);
        if (sort === 'core') throw new NotCovered('a core module is passed on');
        return [name, scope.entity(sort, section.u32())];
      }),
    );
  }

  #instantiate({ start, end, scope }: ComponentEntity, given: InstanceEntity): InstanceEntity {
    const inner = new PlanScope(this.#number, scope);
    this.#component(start, end, inner, given);
    return inner.exports;
  }

  #import(section: Cursor, scope: PlanScope, given: InstanceEntity | undefined): void {
    const name = readExternName(section);
    const description = readExternDescription(section);
    if (given !== undefined) {
      const entity = given.get(name);
      if (entity === undefined) throw new Error(`an instance is made without the import ${name}`);
      scope.add(entity);
    } else if (description.kind === 'instance') {
      scope.instances.push(importedInstance(at(scope.types, description.type), importKey(name), this.#work));
    } else if (description.kind === 'type' && description.equals !== undefined) {
      scope.types.push(at(scope.types, description.equals));
    } else {
      throw new NotCovered(`it imports the ${description.kind} ${name}`);
    }
  }

  #export(section: Cursor, scope: PlanScope): void {
    const name = readExternName(section);
    const sort = readSort(section);
    if (sort === 'core') throw new NotCovered('it exports a core module');
    const entity = scope.entity(sort, section.u32());
    if (section.u8() === 1) readExternDescription(section);
    scope.exports.set(name, entity);
    scope.add(entity);
  }
}

/** Built-ins in which a guest may wait. */
const WAITING: ReadonlySet<CoreFunction['kind']> = new Set([
  'waitable-set.wait',
  'thread.yield',
  'subtask.cancel',
  'stream.read',
  'stream.write',
  'stream.cancel-read',
  'stream.cancel-write',
  'future.read',
  'future.write',
  'future.cancel-read',
  'future.cancel-write',
]);
