/**
 * What the functions of the host are for that a guest calls: a WASI package each, the canonical built-ins, and the rest.
 * Counted per invocation as numbers in an array, by index: a key that is looked up takes longer than the call is charged
 * for.
 */
export const HOST_CALL_KINDS = [
  /** Canonical built-ins: dropped resources, tasks, streams, waitables; and functions of the component's other parts. */
  'component',
  'cli',
  'clocks',
  'filesystem',
  'http',
  'io',
  'random',
  'sockets',
  /** Mayfly's own interfaces but that of HTTP, OpenTelemetry, and whatever else there is. */
  'other',
] as const;

/** Index into {@link HOST_CALL_KINDS}. */
export type HostCallKind = number;

/** What a usage record calls the count of a kind: `httpCalls`. */
export type HostCallColumn = `${(typeof HOST_CALL_KINDS)[number]}Calls`;

/** In the order of {@link HOST_CALL_KINDS}. */
export const HOST_CALL_COLUMNS: readonly HostCallColumn[] = HOST_CALL_KINDS.map(
  (kind) => `${kind}Calls` as const,
);

export const COMPONENT_CALL: HostCallKind = HOST_CALL_KINDS.indexOf('component');
const OTHER_CALL: HostCallKind = HOST_CALL_KINDS.indexOf('other');

const KIND_OF_PACKAGE: ReadonlyMap<string, HostCallKind> = new Map([
  ...HOST_CALL_KINDS.map((kind, i) => [`wasi:${kind}`, i] as const).filter(([, i]) => i !== COMPONENT_CALL),
  // What `fetch` of TypeScript handlers sends with.
  ['mayfly:http', HOST_CALL_KINDS.indexOf('http')],
]);

/** Of the functions of an interface: `wasi:http/types@0.2.3` is of `http`. */
export function kindOf(interfaceName: string): HostCallKind {
  return KIND_OF_PACKAGE.get(interfaceName.split('/', 1)[0]!) ?? OTHER_CALL;
}

/** Names of canonical built-ins: in brackets, but for what is in brackets in WIT, too, and for the option `async`. */
const BUILT_IN = /^(?:\[async(?:-lower)?\])?\[(?!async|constructor\]|method\]|static\])/;

/** Of a core module's import, as wit-component names them: `wasi:io/poll@0.2.0`, `[resource-drop]pollable`. */
export function kindOfCoreImport(namespace: string, name: string): HostCallKind {
  return BUILT_IN.test(name) || namespace.startsWith('[export]') ? COMPONENT_CALL : kindOf(namespace);
}

/** One for each kind. */
type CountFor<Kinds extends readonly unknown[]> = { -readonly [K in keyof Kinds]: number };

/** Counts of a new invocation. Written out: a literal is copied in one go, and its length is checked. */
export function newHostCalls(): number[] {
  return [0, 0, 0, 0, 0, 0, 0, 0, 0] satisfies CountFor<typeof HOST_CALL_KINDS>;
}

/** Of an invocation that called nothing. */
export const NO_HOST_CALLS: readonly number[] = newHostCalls();

/** A field for each kind, for what is not in a hurry. */
export function byHostCallColumn<T>(
  of: (column: HostCallColumn, kind: HostCallKind) => T,
): Record<HostCallColumn, T> {
  const entries = HOST_CALL_COLUMNS.map((column, kind) => [column, of(column, kind)]);
  return Object.fromEntries(entries) as Record<HostCallColumn, T>;
}
