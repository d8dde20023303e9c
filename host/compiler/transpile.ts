import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { MayflyError } from '../errors/errors.ts';
import type { EventHandlers } from '../model/artifact.ts';
import { SUSPENDING_IMPORTS } from '../wasi/suspending-imports.ts';
import { glueScript } from './glue-script.ts';
import { malformed, unsupported } from './refusal.ts';
import { isToolCrash, toolMessage } from './tool-failure.ts';
import { importKey, parseInterface, type World } from './world.ts';

export interface CoreModule {
  /** The name under which the glue asks for it; a plain file name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Transpiled {
  /** Body of a function `(WebAssembly) => instantiate`; see glue-script.ts. */
  readonly glue: string;
  readonly modules: readonly CoreModule[];
  /** Key of the handler's interface in what `instantiate` returns. */
  readonly exportKey: string;
  /** The same for each event handler. */
  readonly eventExportKeys: EventHandlers;
}

/** Exports that the host calls and that may suspend. Those of WASI 0.3 are async by their type; ours may be declared without it. */
const SUSPENDING_EXPORTS = [
  'wasi:http/incoming-handler#handle',
  'wasi:cli/run#run',
  'mayfly:events/queue-handler#handle',
  'mayfly:events/schedule-handler#handle',
];

/**
 * The largest glue seen (QuickJS with all of WASI 0.3) has 1.35 MB; a serving thread parses 4 MB in 10 ms. jco
 * writes code out per type and use: 760 bytes of nested tuples in eight functions became 79 MB.
 */
const MAX_GLUE_BYTES = 4 * 1024 * 1024;

/**
 * Import keys: jco names an import by its interface without version, which 0.2 and 0.3 share
 * (`wasi:http/types`). Those of 0.3 get the key `wasi:http/types@0.3`, whatever the patch, and drafts their whole
 * names; exact entries win over every other rule of jco's, so none else can match.
 */
export function importKeys(world: World): Record<string, string> {
  const map: Record<string, string> = {};
  for (const name of world.imports) {
    const line = parseInterface(name)?.line;
    if (line === '0.3' || line === undefined) map[name] = importKey(name);
  }
  return map;
}

/**
 * Runs jco over a scanned component. Throws `component_malformed` for what its validator refuses and
 * `component_unsupported` for what jco cannot translate; anything else is a fault of ours.
 */
export async function transpileComponent(component: Uint8Array, world: World): Promise<Transpiled> {
  const { files, exports } = await runJco(component, world);
  const keyOf = (wanted: string): string => {
    const key = exports.find(([name]) => name === wanted)?.[0];
    if (key !== undefined) return key;
    throw new MayflyError('component_handler_missing', `The exported ${wanted} has no function.`);
  };
  const exportKey = keyOf(world.handlerInterface);
  const eventExportKeys: EventHandlers = Object.fromEntries(
    Object.entries(world.eventInterfaces).map(([name, wanted]) => [name, keyOf(wanted)]),
  );
  const modules: CoreModule[] = [];
  let source: Uint8Array | undefined;
  for (const [name, bytes] of Object.entries(files)) {
    if (name === 'component.js') source = bytes;
    else if (/^component\.core\d*\.wasm$/.test(name)) modules.push({ name, bytes });
    else throw new Error(`jco emitted an unexpected file ${name}`);
  }
  if (source === undefined) throw new Error('jco emitted no glue');
  if (source.length > MAX_GLUE_BYTES) {
    throw new MayflyError(
      'component_too_complex',
      `The component's types need ${source.length} bytes of glue; at most ${MAX_GLUE_BYTES} are allowed.`,
    );
  }
  return { glue: glueScript(new TextDecoder().decode(source)), modules, exportKey, eventExportKeys };
}

async function runJco(
  component: Uint8Array,
  world: World,
): Promise<Awaited<ReturnType<typeof transpileBytes>>> {
  try {
    return await transpileBytes(component, {
      name: 'component',
      instantiation: 'async',
      asyncMode: 'jspi',
      asyncImports: [...SUSPENDING_IMPORTS],
      asyncExports: SUSPENDING_EXPORTS,
      map: importKeys(world),
      // Core modules stay files: they are metered and compiled once, not decoded per instance.
      base64Cutoff: 0,
      tlaCompat: false,
      emitTypescriptDeclarations: false,
    });
  } catch (cause) {
    if (isToolCrash(cause))
      throw unsupported('The component uses something that cannot be translated.', cause);
    throw malformed(`The component is not valid: ${toolMessage(cause)}`, cause);
  }
}
