import { MayflyError } from '../errors/errors.ts';
import {
  EVENT_HANDLER_KINDS,
  EVENT_HANDLER_NAMES,
  type EventHandlers,
  HANDLER_KINDS,
  type HandlerKind,
} from '../model/artifact.ts';
import { OFFERED_INTERFACES, type OfferedInterface } from '../wasi/offered.ts';
import { offeredFunctions } from '../wasi/offered-functions.ts';
import type { ComponentExtern, ComponentShape } from './component-sections.ts';
import { unsupported } from './refusal.ts';

/** What a component asks of the host and offers to it. */
export interface World {
  readonly handler: HandlerKind;
  /** The exported interface with its full version. */
  readonly handlerInterface: string;
  /** The same of each event handler. */
  readonly eventInterfaces: EventHandlers;
  /** Imported interfaces with their versions, sorted. */
  readonly imports: readonly string[];
}

/** `wasi:http/types@0.2.3` -> `wasi:http/types`, `0.2`, patch 3. Pre-releases are compatible with nothing else: no match. */
const INTERFACE = /^([a-z0-9-]+:[a-z0-9-]+\/[a-z0-9-]+)@(\d+\.\d+)\.(\d+)$/;

interface InterfaceName {
  readonly base: string;
  /** Major and minor: what WASI keeps compatible. */
  readonly line: string;
  readonly patch: number;
}

export function parseInterface(name: string): InterfaceName | undefined {
  const match = INTERFACE.exec(name);
  return match === null ? undefined : { base: match[1]!, line: match[2]!, patch: Number(match[3]) };
}

/**
 * Key of an imported interface in what the host gives its guests: `wasi:http/types` for every 0.2.x,
 * `wasi:http/types@0.3` for every 0.3.x, which has the same names with other types, and the whole name of a draft.
 */
export function importKey(name: string): string {
  const parsed = parseInterface(name);
  if (parsed === undefined) return name;
  return parsed.line === '0.3' ? `${parsed.base}@0.3` : parsed.base;
}

/**
 * Reads the world of a scanned component. `wanted` asks for one kind of handler, otherwise the first of
 * HANDLER_KINDS that is exported is it. Throws `component_import_unknown` and `component_handler_missing`.
 */
export function readWorld(shape: ComponentShape, wanted?: HandlerKind): World {
  for (const item of shape.imports) assertOffered(item);
  const imports = shape.imports.filter((item) => item.kind === 'instance').map((item) => item.name);
  const [handler, handlerInterface] = chooseHandler(shape.exports, wanted);
  const eventInterfaces = findEventHandlers(shape.exports);
  return { handler, handlerInterface, eventInterfaces, imports: imports.sort() };
}

/** @param name of an import, with its version */
export function offeredInterface(name: string): OfferedInterface | undefined {
  const wanted = parseInterface(name);
  return OFFERED_INTERFACES.find((entry) =>
    wanted === undefined
      ? `${entry.interface}@${entry.versions}` === name
      : entry.interface === wanted.base && entry.versions === wanted.line,
  );
}

function assertOffered(item: ComponentExtern): void {
  // A type of the world itself, equal to one of an interface, asks nothing of the host.
  if (item.kind === 'type' && !item.isResource) return;
  if (item.kind === 'instance') {
    const offered = offeredInterface(item.name);
    if (offered !== undefined) {
      assertFunctions(item, offered);
      return;
    }
  }
  const what = item.kind === 'instance' ? 'the interface' : `the ${item.kind}`;
  throw new MayflyError(
    'component_import_unknown',
    `The component imports ${what} ${item.name}. Offered are: ${offeredText()}.`,
  );
}

/** What is no function of the interface would be looked up in the host's own objects all the same. Types are compared later (import-signatures.ts). */
function assertFunctions({ name, functions }: ComponentExtern, entry: OfferedInterface): void {
  if (functions === undefined) throw unsupported(`The type of the imported ${name} is declared elsewhere.`);
  const offered = offeredFunctions(entry.interface, entry.versions);
  const unknown = functions.find((candidate) => !offered.has(candidate));
  if (unknown === undefined) return;
  throw new MayflyError(
    'component_import_unknown',
    `The component imports ${unknown} of ${name}, which has no such function.`,
  );
}

function offeredText(): string {
  return OFFERED_INTERFACES.map(({ interface: name, versions }) =>
    versions.includes('-') ? `${name}@${versions}` : `${name}@${versions}.x`,
  ).join(', ');
}

/** What the host calls in each interface: an instance without it has the name of a handler only. */
const HANDLER_FUNCTIONS: Readonly<Record<HandlerKind, string>> = {
  'wasi:http/handler@0.3': 'handle',
  'wasi:http/incoming-handler@0.2': 'handle',
  'wasi:cli/run@0.2': 'run',
  'mayfly:events/queue-handler@0.1': 'handle',
  'mayfly:events/schedule-handler@0.1': 'handle',
};

function chooseHandler(
  exports: readonly ComponentExtern[],
  wanted: HandlerKind | undefined,
): [HandlerKind, string] {
  for (const kind of wanted === undefined ? HANDLER_KINDS : [wanted]) {
    const found = findHandler(exports, kind);
    if (found !== undefined) return [kind, found];
  }
  const exported = exports.map((item) => item.name).slice(0, 20);
  throw new MayflyError(
    'component_handler_missing',
    `The component exports no ${wanted ?? 'handler'}; it exports ${exported.length === 0 ? 'nothing' : exported.join(', ')}.`,
  );
}

/** The exported interface of that kind with its full version, of several the newest. */
function findHandler(exports: readonly ComponentExtern[], kind: HandlerKind): string | undefined {
  const [newest] = exports
    .filter((item) => item.kind === 'instance' && item.functions?.includes(HANDLER_FUNCTIONS[kind]) !== false)
    .map((item) => ({ name: item.name, parsed: parseInterface(item.name) }))
    .filter(({ parsed }) => parsed !== undefined && `${parsed.base}@${parsed.line}` === kind)
    .sort((a, b) => b.parsed!.patch - a.parsed!.patch);
  return newest?.name;
}

function findEventHandlers(exports: readonly ComponentExtern[]): EventHandlers {
  const found = EVENT_HANDLER_NAMES.flatMap((name) => {
    const handler = findHandler(exports, EVENT_HANDLER_KINDS[name]);
    return handler === undefined ? [] : [[name, handler] as const];
  });
  return Object.fromEntries(found);
}
