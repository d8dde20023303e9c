/** Runs a component through jco's unmodified output, with the imports that Mayfly gives it. */
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { componentizeWasip1 } from '../../host/compiler/componentize-wasip1.ts';
import { SUSPENDING_IMPORTS } from '../../host/wasi/suspending-imports.ts';

/** What the tests call: commands have `run`. */
export interface GuestExports {
  readonly act?: (what: string | number) => unknown;
  readonly run?: { readonly run?: () => unknown };
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, Record<string, unknown>>,
) => Promise<GuestExports>;

/** A component, transpiled and compiled: each `instantiate` gives a fresh instance. */
export interface GuestComponent {
  readonly importKeys: readonly string[];
  instantiate(imports: Record<string, Record<string, unknown>>): ReturnType<Instantiate>;
}

/** @param asyncExports exports without version that may suspend; those of WASI 0.3 do so by their type */
export async function loadComponent(
  component: Uint8Array,
  asyncExports: readonly string[],
): Promise<GuestComponent> {
  const { files, imports } = await transpileBytes(component, {
    name: 'guest',
    instantiation: 'async',
    asyncMode: 'jspi',
    asyncImports: [...SUSPENDING_IMPORTS],
    asyncExports: [...asyncExports],
    map: Object.fromEntries(
      ['cli', 'clocks', 'random', 'http'].map((name) => [`wasi:${name}/*@0.3.0`, `wasi:${name}/*@0.3`]),
    ),
    base64Cutoff: 0,
    tlaCompat: false,
    emitTypescriptDeclarations: false,
  });
  const modules = new Map<string, WebAssembly.Module>();
  let glue = '';
  for (const [name, bytes] of Object.entries(files)) {
    if (name.endsWith('.wasm'))
      modules.set(name, await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>));
    else glue = Buffer.from(bytes).toString();
  }
  const { instantiate } = (await import(
    `data:text/javascript;base64,${Buffer.from(glue).toString('base64')}`
  )) as { instantiate: Instantiate };
  return {
    importKeys: imports,
    instantiate: (hostImports) => instantiate((name) => modules.get(name)!, hostImports),
  };
}

/** A wasip1 command as a component that exports `wasi:cli/run`. */
export async function loadCommand(wasip1: Uint8Array): Promise<GuestComponent> {
  return loadComponent(await componentizeWasip1(wasip1, 'wasip1-command'), ['wasi:cli/run#run']);
}

/** Calls a command's `run`: resolves when it returns, throws what it throws. */
export async function runCommand(
  guest: GuestComponent,
  imports: Record<string, Record<string, unknown>>,
): Promise<void> {
  const { run } = await guest.instantiate(imports);
  await run?.run?.();
}
