import { isBuiltin, SourceMap, type SourceMapPayload } from 'node:module';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type OutputChunk, type Plugin, type RolldownLog, rolldown } from 'rolldown';
import { BuildError, type SourceLocation } from './build-error.ts';
import { HANDLERS, type HandlerName } from './handler-names.ts';
import { sourcePlaces } from './source-places.ts';

/** `.ts` in a checkout, `.js` in the published package. */
const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const ENTRY_ID = 'mayfly:entry';
const TYPES_ONLY_ID = 'mayfly:types-only';
/** Stands in the bundle for what is known once there is one. */
const PLACES = '"MAYFLY_SOURCE_PLACES"';

export interface Bundle {
  readonly code: string;
  /** The author's place for one in the bundle (line and column from 1), where there is one. */
  locate(line: number, column: number): SourceLocation | undefined;
}

function runtimeModule(name: string): string {
  return fileURLToPath(new URL(`../runtime/${name}${EXTENSION}`, import.meta.url));
}

function entryCode(entry: string, handlers: readonly HandlerName[]): string {
  const parts = handlers.map((name) => HANDLERS[name]);
  return [
    `import ${JSON.stringify(runtimeModule('globals'))};`,
    `import { assertHandlers } from ${JSON.stringify(runtimeModule('handlers'))};`,
    ...parts.map(({ module, serve }) => `import { ${serve} } from ${JSON.stringify(runtimeModule(module))};`),
    `import * as author from ${JSON.stringify(entry)};`,
    `import ${JSON.stringify(runtimeModule('warm-up'))};`,
    `import ${JSON.stringify(runtimeModule('headroom'))};`,
    `import { placesAre } from ${JSON.stringify(runtimeModule('source-places'))};`,
    `placesAre(${PLACES});`,
    `assertHandlers(author.default, ${JSON.stringify(handlers.join())});`,
    ...parts.map((part) => `export const ${part.export} = ${part.serve}(author.default);`),
  ].join('\n');
}

/** Resolves what is neither a file nor an npm package: the virtual entry, WIT interfaces and `mayfly` itself. */
function mayflyPlugin(
  entry: string,
  handlers: readonly HandlerName[],
  onRead: (path: string) => void,
): Plugin {
  return {
    name: 'mayfly',
    resolveId(source) {
      if (source === ENTRY_ID || source === TYPES_ONLY_ID) return source;
      if (source === 'mayfly') return TYPES_ONLY_ID;
      if (/^(?:wasi|mayfly):/.test(source)) return { id: source, external: true };
      return null;
    },
    load(id) {
      if (id === ENTRY_ID) return entryCode(entry, handlers);
      if (id === TYPES_ONLY_ID) return 'export {};';
      onRead(id);
      return null;
    },
  };
}

function toLocation(file: string, line: number, column: number): SourceLocation {
  const short = relative('', file);
  return { file: short.startsWith('..') ? file : short, line, column };
}

function unresolvedHint(name: string): string {
  if (isBuiltin(name))
    return `'${name}' is a module of Node.js, which a function does not have; use the web's interfaces instead`;
  if (/^[./]/.test(name)) return `'${name}' does not exist`;
  return `'${name}' is not installed; run \`npm install ${name}\``;
}

/** rolldown's account of a problem, in one line plus a frame. */
function toBuildError(log: RolldownLog): BuildError {
  const location =
    log.loc?.file === undefined ? undefined : toLocation(log.loc.file, log.loc.line, log.loc.column + 1);
  const firstLine = (log.message.split('\n')[0] ?? '').replace(/^\[\w+\]\s*/, '');
  const reason =
    log.code === 'UNRESOLVED_IMPORT' && log.exporter !== undefined ? unresolvedHint(log.exporter) : firstLine;
  return new BuildError(reason, { location, frame: log.frame ?? '', cause: log });
}

function rolldownErrors(error: unknown): readonly RolldownLog[] {
  const { errors } = error as { errors?: unknown };
  return Array.isArray(errors) ? (errors as RolldownLog[]) : [];
}

/**
 * Bundles an author's module and everything it imports with the runtime into one ES module, which implements the handlers named.
 * @param onRead is told the path of each file that goes into it, or was to
 * @throws {BuildError} with file, line and column
 */
export async function bundleHandler(
  entry: string,
  handlers: readonly HandlerName[],
  onRead: (path: string) => void = () => {},
): Promise<Bundle> {
  const unresolved: RolldownLog[] = [];
  try {
    await using build = await rolldown({
      input: ENTRY_ID,
      platform: 'neutral',
      resolve: {
        conditionNames: ['mayfly', 'workerd', 'worker', 'import', 'module', 'default'],
        mainFields: ['module', 'main'],
      },
      transform: { define: { 'process.env.NODE_ENV': '"production"' } },
      plugins: [mayflyPlugin(resolve(entry), handlers, onRead)],
      treeshake: { moduleSideEffects: true },
      onLog(_level, log) {
        if (log.code === 'UNRESOLVED_IMPORT') unresolved.push(log);
      },
    });
    const { output } = await build.generate({
      dir: '.',
      format: 'esm',
      sourcemap: 'hidden',
      codeSplitting: false,
    });
    const [chunk] = output;
    if (unresolved[0]) throw toBuildError(unresolved[0]);
    return { code: withPlaces(chunk, entry), locate: locator(chunk) };
  } catch (error) {
    const [first] = rolldownErrors(error);
    throw first ? toBuildError(first) : error;
  }
}

/** In one line as before, so that all others stay what they were. */
function withPlaces({ code, map }: OutputChunk, entry: string): string {
  if (map === null || !code.includes(PLACES)) throw new Error('the bundler left the source map out');
  return code.replace(PLACES, () => JSON.stringify(sourcePlaces(map, entry)));
}

function locator(chunk: OutputChunk): Bundle['locate'] {
  const map = chunk.map === null ? undefined : new SourceMap(chunk.map as unknown as SourceMapPayload);
  return (line, column) => {
    const entry = map?.findEntry(line - 1, column - 1);
    if (entry === undefined || !('originalSource' in entry)) return undefined;
    const file = entry.originalSource.startsWith('file:')
      ? fileURLToPath(entry.originalSource)
      : resolve(entry.originalSource);
    return toLocation(file, entry.originalLine + 1, entry.originalColumn + 1);
  };
}
