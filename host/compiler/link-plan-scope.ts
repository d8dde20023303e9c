import type { ComponentIndex, CoreExport, CoreInstanceIndex, CoreItem } from '../model/link-plan.ts';
import {
  type Alias,
  type ComponentEntity,
  type CoreSort,
  type Declaration,
  type EnclosingScope,
  type Entity,
  type FunctionEntity,
  type InstanceEntity,
  NotCovered,
  type TypeDefinition,
  type TypeEntity,
} from './link-plan-entities.ts';

/** Entries looked at; an instance type is looked at anew for each import of it. Real components stay below 20,000. */
const MAX_WORK = 500_000;

/** Counts what reading a plan takes: hostile input must not make it take long. */
export class PlanWork {
  #done = 0;

  add(count: number): void {
    this.#done += count;
    if (this.#done > MAX_WORK) throw new NotCovered('its types and instances repeat one another too often');
  }
}

/** The index spaces of one component, or of one instance type while it is looked at. */
export class PlanScope implements EnclosingScope {
  readonly parent: EnclosingScope | undefined;
  readonly types: TypeEntity[] = [];
  readonly functions: FunctionEntity[] = [];
  readonly instances: InstanceEntity[] = [];
  readonly components: ComponentEntity[] = [];
  /** Core modules, by the name of their file. */
  readonly coreModules: string[] = [];
  readonly coreInstances: CoreInstanceIndex[] = [];
  readonly coreFunctions: CoreItem[] = [];
  readonly coreTables: CoreExport[] = [];
  readonly coreMemories: CoreExport[] = [];
  readonly coreGlobals: CoreExport[] = [];
  readonly coreTags: CoreExport[] = [];
  readonly exports = new Map<string, Entity>();
  readonly #number: () => ComponentIndex;
  #component: ComponentIndex | undefined;

  /** @param number numbers the instances of components that have code */
  constructor(number: () => ComponentIndex, parent?: EnclosingScope) {
    this.#number = number;
    this.parent = parent;
  }

  get component(): ComponentIndex {
    this.#component ??= this.#number();
    return this.#component;
  }

  define(definition: TypeDefinition): void {
    switch (definition.kind) {
      case 'value':
        this.types.push({ kind: 'value', value: definition.value, scope: this });
        return;
      case 'function':
        this.types.push({ kind: 'function', function: definition.function, scope: this });
        return;
      case 'instance':
        this.types.push({ kind: 'instance', declarations: definition.declarations, scope: this });
        return;
      case 'component':
        this.types.push({ kind: 'component' });
        return;
      case 'resource':
        this.types.push({ kind: 'resource', interface: undefined, name: '' });
        return;
    }
  }

  alias({ sort, coreSort, target }: Alias): void {
    switch (target.kind) {
      case 'export': {
        const entity = at(this.instances, target.instance).get(target.name);
        if (entity === undefined || entity.sort !== sort)
          throw new Error(`no ${sort} ${target.name} in an instance`);
        this.add(entity);
        return;
      }
      case 'core export':
        this.#coreAlias(coreSort ?? 'other', {
          instance: at(this.coreInstances, target.instance),
          name: target.name,
        });
        return;
      case 'outer': {
        const outer = this.#outer(target.levels);
        if (sort === 'type') this.types.push(at(outer.types, target.index));
        else if (sort === 'component') this.components.push(at(outer.components, target.index));
        else throw new NotCovered('a core module or type of an outer component is used');
        return;
      }
    }
  }

  /** Adds to the index space of its sort. */
  add(entity: Entity): void {
    switch (entity.sort) {
      case 'type':
        this.types.push(entity.of);
        return;
      case 'function':
        this.functions.push(entity.of);
        return;
      case 'instance':
        this.instances.push(entity.of);
        return;
      case 'component':
        this.components.push(entity.of);
        return;
    }
  }

  entity(sort: string, index: number): Entity {
    switch (sort) {
      case 'type':
        return { sort, of: at(this.types, index) };
      case 'function':
        return { sort, of: at(this.functions, index) };
      case 'instance':
        return { sort, of: at(this.instances, index) };
      case 'component':
        return { sort, of: at(this.components, index) };
      default:
        throw new NotCovered(`a ${sort} is passed on`);
    }
  }

  coreItem(sort: CoreSort, index: number): CoreItem {
    if (sort === 'function') return at(this.coreFunctions, index);
    const space = this.#coreSpace(sort);
    return { kind: 'export', of: at(space, index) };
  }

  #coreAlias(sort: CoreSort, of: CoreExport): void {
    if (sort === 'function') this.coreFunctions.push({ kind: 'export', of });
    else this.#coreSpace(sort).push(of);
  }

  #coreSpace(sort: CoreSort): CoreExport[] {
    switch (sort) {
      case 'table':
        return this.coreTables;
      case 'memory':
        return this.coreMemories;
      case 'global':
        return this.coreGlobals;
      case 'tag':
        return this.coreTags;
      case 'function':
      case 'other':
        throw new NotCovered('core types, modules or instances are passed on');
    }
  }

  #outer(levels: number): EnclosingScope {
    let scope: EnclosingScope = this;
    for (let i = 0; i < levels; i++) {
      if (scope.parent === undefined) throw new Error('an alias reaches outside of the component');
      scope = scope.parent;
    }
    return scope;
  }
}

/** The instance that an import of this type is: functions of the host, and resource types of its own. */
export function importedInstance(type: TypeEntity, interfaceKey: string, work: PlanWork): InstanceEntity {
  if (type.kind !== 'instance') throw new Error('an instance is imported with a type that is none');
  const scope = new PlanScope(noCode, type.scope);
  work.add(type.declarations.length);
  for (const declaration of type.declarations) declare(scope, declaration, interfaceKey);
  return scope.exports;
}

function noCode(): never {
  throw new Error('an instance type has code');
}

function declare(scope: PlanScope, declaration: Declaration, interfaceKey: string): void {
  switch (declaration.kind) {
    case 'type':
      scope.define(declaration.definition);
      return;
    case 'alias':
      scope.alias(declaration.alias);
      return;
    case 'export': {
      const entity = declaredExport(scope, declaration, interfaceKey);
      // Functions of an imported instance have no index of their own in its type.
      if (entity.sort === 'type') scope.types.push(entity.of);
      scope.exports.set(declaration.name, entity);
    }
  }
}

function declaredExport(
  scope: PlanScope,
  { name, description }: Extract<Declaration, { kind: 'export' }>,
  interfaceKey: string,
): Entity {
  switch (description.kind) {
    case 'function':
      return {
        sort: 'function',
        of: { kind: 'imported', interface: interfaceKey, name, type: at(scope.types, description.type) },
      };
    case 'type':
      return {
        sort: 'type',
        of:
          description.equals === undefined
            ? { kind: 'resource', interface: interfaceKey, name }
            : at(scope.types, description.equals),
      };
    case 'component':
    case 'instance':
      throw new NotCovered(`the interface ${interfaceKey} has a ${description.kind} in it`);
  }
}

/** An index that is out of range here was in range for jco's validator, or it would not have come so far. */
export function at<T>(space: readonly T[], index: number): T {
  const found = space[index];
  if (found === undefined) throw new Error(`index ${index} of ${space.length} in the component`);
  return found;
}
