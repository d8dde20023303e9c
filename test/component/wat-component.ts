/** Components of the tests' own, linked without publishing: any interfaces, and nothing metered unless asked for. */
import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { readLinkPlan } from '../../host/compiler/link-plan.ts';
import { meterModules } from '../../host/compiler/meter-modules.ts';
import type { CoreModule } from '../../host/compiler/transpile.ts';
import { PreparedPlan } from '../../host/component/prepared-plan.ts';
import type { ModuleState } from '../../host/model/module-state.ts';

export interface WatComponent {
  readonly plan: PreparedPlan;
  readonly modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly states: ReadonlyMap<string, ModuleState>;
}

/** The core modules of a component that nests no others. */
function coreModules(component: Uint8Array): CoreModule[] {
  const modules: CoreModule[] = [];
  for (let at = 8; at < component.length; ) {
    const id = component[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = component[at++]!;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (id === 1) modules.push({ name: `core${modules.length}.wasm`, bytes: component.slice(at, at + size) });
    at += size;
  }
  return modules;
}

/** @param text exports `test:guest/run` */
export async function readWatComponent(text: string, isMetered = false): Promise<WatComponent> {
  const bytes = await parse(text);
  const modules = coreModules(bytes);
  const world = {
    handler: 'http' as const,
    handlerInterface: 'test:guest/run',
    eventInterfaces: {},
    imports: [],
  };
  const { plan, reason } = readLinkPlan(bytes, world as never, modules);
  if (plan === undefined) throw new Error(reason);
  const made = isMetered ? meterModules(modules) : modules.map((module) => ({ ...module, state: NO_STATE }));
  return {
    plan: new PreparedPlan(plan),
    modules: new Map(
      made.map(({ name, bytes: code }) => [name, new WebAssembly.Module(code as Uint8Array<ArrayBuffer>)]),
    ),
    states: new Map(made.map(({ name, state }) => [name, state])),
  };
}

const NO_STATE: ModuleState = { memories: [], tables: [], globals: [], headrooms: [], obstacles: [] };

/** `built-ins.wat` with each core function of the host's imported, and each of its own functions lifted. */
export async function builtInsComponent(isMetered = false): Promise<WatComponent> {
  const text = await readFile(new URL('built-ins.wat', import.meta.url), 'utf8');
  const names = [
    ...text.matchAll(
      /\(func \(export "([^"]+)"\) \(param \$n|\(func \(export "([^"]+)"\) \(param \$(?:size|count) i32\)/g,
    ),
  ];
  const lifted = names.map(([, a, b]) => a ?? b!);
  const lifts = lifted.map((name) => {
    const callback = name.startsWith('callback') ? '(callback (core func $m "callback"))' : '';
    return `(func $${name} (type $act) (canon lift (core func $m "${name}") async ${callback} (memory $memory)))`;
  });
  const asExports = (functions: readonly string[]): string =>
    functions.map((name) => `(export "${name}" (func $${name}))`).join(' ');
  const imported = [...text.matchAll(/^ {2}\(core func \$(\S+) \(canon/gm)].map(([, name]) => name!);
  return readWatComponent(
    text
      .replace(';; IMPORTS', asExports(imported))
      .replace(
        ';; LIFTS',
        `${lifts.join('\n')}\n(instance $run ${asExports(lifted)})\n(export "test:guest/run" (instance $run))`,
      ),
    isMetered,
  );
}
