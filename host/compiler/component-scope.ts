/**
 * The index spaces of one component, component type or instance type, as far as the nesting of types needs
 * them: per index the depth of the type (or the deepest type inside the instance or component).
 *
 * An index that is out of range has depth 0 here; jco's validator refuses it afterwards.
 */
export class ComponentScope {
  readonly parent: ComponentScope | undefined;
  readonly types: number[] = [];
  readonly instances: number[] = [];
  readonly components: number[] = [];
  /** Names of the functions that an instance or component exports, by index, where they can be told. */
  readonly instanceFunctions = new Map<number, readonly string[]>();
  readonly componentFunctions = new Map<number, readonly string[]>();
  /** The same of instance types, by index of the type. */
  readonly typeFunctions = new Map<number, readonly string[]>();
  /** Functions that this component itself exports. */
  readonly exportedFunctions: string[] = [];

  constructor(parent?: ComponentScope) {
    this.parent = parent;
  }

  typeDepth(index: number): number {
    return this.types[index] ?? 0;
  }

  instanceDepth(index: number): number {
    return this.instances[index] ?? 0;
  }

  componentDepth(index: number): number {
    return this.components[index] ?? 0;
  }

  /** The scope `levels` outwards; 0 is this one. */
  outer(levels: number): ComponentScope | undefined {
    let scope: ComponentScope | undefined = this;
    for (let i = 0; i < levels && scope !== undefined; i++) scope = scope.parent;
    return scope;
  }

  /** The deepest type in this scope. */
  deepest(): number {
    let deepest = 0;
    for (const depth of this.types) if (depth > deepest) deepest = depth;
    for (const depth of this.instances) if (depth > deepest) deepest = depth;
    return deepest;
  }
}
