import type { WasiContext } from './context.ts';

/** Functions and classes of one interface. */
type Members = Record<string, unknown>;
export type Imports = Record<string, Members>;
/** Makes the members of an interface for one invocation. */
export type MakeInterface = (context: WasiContext) => Members;

/**
 * Imports whose interfaces are made when somebody asks for them, once per invocation. There are 49, of which a guest that
 * answers a request uses two or three: making all of them was most of what starting a small guest took. They are
 * accessors of a prototype that is made once: the glue takes them for the properties that it looks for.
 */
export function lazyImports(
  makers: Readonly<Record<string, MakeInterface>>,
): (context: WasiContext) => Imports {
  class InvocationImports {
    readonly #context: WasiContext;
    /** Few: looking through them takes less than a map would. */
    readonly #indices: number[] = [];
    readonly #made: Members[] = [];

    constructor(context: WasiContext) {
      this.#context = context;
    }

    static get(imports: InvocationImports, index: number, make: MakeInterface): Members {
      const at = imports.#indices.indexOf(index);
      if (at >= 0) return imports.#made[at]!;
      const made = make(imports.#context);
      imports.#indices.push(index);
      imports.#made.push(made);
      return made;
    }
  }
  for (const [index, [key, make]] of Object.entries(makers).entries()) {
    Object.defineProperty(InvocationImports.prototype, key, {
      get(this: InvocationImports) {
        return InvocationImports.get(this, index, make);
      },
    });
  }
  return (context) => new InvocationImports(context) as unknown as Imports;
}
