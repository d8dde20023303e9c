import type { ModuleLayout } from '../instrument/module-layout.ts';
import { Cursor } from '../instrument/reader.ts';
import { SECTION } from '../instrument/sections.ts';
import { NotRelocatable, type Replacements } from './adapter-space-code.ts';
import {
  type SpaceFunction,
  type SpaceFunctionIndices,
  spaceFunctionBody,
} from './adapter-space-functions.ts';
import { PREVIEW1_MODULE } from './detect.ts';
import { PREVIEW1_COUNTS, PREVIEW1_PARAMETERS, takesAddresses } from './preview1-pointers.ts';

export interface Preview1Import {
  readonly name: string;
  /** As preview1-pointers.ts writes them. */
  readonly parameters: string;
}

/** The imported functions of a module that imports nothing but preview 1, in the order of their indices. */
export function readPreview1Imports(bytes: Uint8Array, layout: ModuleLayout): readonly Preview1Import[] {
  const section = layout.sections.find(({ id }) => id === SECTION.import);
  if (section === undefined) return [];
  const cursor = new Cursor(bytes, section.start, section.end);
  const imports: Preview1Import[] = [];
  const count = cursor.u32();
  for (let i = 0; i < count; i++) {
    const isPreview1 = cursor.name() === PREVIEW1_MODULE;
    const name = cursor.name();
    const parameters = PREVIEW1_PARAMETERS.get(name);
    const isFunction = cursor.u8() === 0;
    if (!isPreview1 || !isFunction || parameters === undefined) throw new NotRelocatable(`import ${name}`);
    cursor.u32();
    imports.push({ name, parameters });
  }
  for (const { name } of imports) {
    const counter = PREVIEW1_COUNTS.get(name);
    if (counter !== undefined && !imports.some((other) => other.name === counter))
      throw new NotRelocatable(`${name} without ${counter}`);
  }
  return imports;
}

/**
 * The functions that are appended behind the module's own: each exists from when its index is first asked for,
 * so that a module gets only those that it uses.
 */
export class AppendedFunctions implements Replacements, SpaceFunctionIndices {
  readonly realloc: number;
  readonly #functions: SpaceFunction[] = [];
  readonly #indices = new Map<string, number>();
  readonly #imports: readonly Preview1Import[];
  readonly #layout: ModuleLayout;

  constructor(layout: ModuleLayout, imports: readonly Preview1Import[]) {
    this.#layout = layout;
    this.#imports = imports;
    this.realloc = this.#index('realloc', { kind: 'realloc' });
  }

  get functions(): readonly SpaceFunction[] {
    return this.#functions;
  }

  /** In the order of {@link functions}, which is complete only now: a body may ask for another function. */
  bodies(): readonly (readonly number[])[] {
    const bodies: number[][] = [];
    for (let i = 0; i < this.#functions.length; i++)
      bodies.push(spaceFunctionBody(this.#functions[i]!, this));
    return bodies;
  }

  function(index: number): number {
    const imported = this.#imports[index];
    if (imported === undefined || !takesAddresses(imported.parameters)) return index;
    const type = this.#layout.functionTypes[index]!;
    return this.#index(`import ${index}`, { kind: 'import', index, type, ...imported });
  }

  instruction(kind: 'grow' | 'copy' | 'fill'): number {
    return this.#index(kind, { kind });
  }

  init(segment: number): number {
    return this.#index(`init ${segment}`, { kind: 'init', segment });
  }

  indexOf(kind: 'real' | 'iovecs' | 'rebase'): number {
    return this.#index(kind, { kind });
  }

  importIndex(name: string): number {
    return this.#imports.findIndex((imported) => imported.name === name);
  }

  #index(key: string, added: SpaceFunction): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#layout.functionTypes.length + this.#functions.push(added) - 1;
    this.#indices.set(key, index);
    return index;
  }
}
