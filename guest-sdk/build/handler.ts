import { access } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { componentize } from 'componentize-qjs';
import { BuildError } from './build-error.ts';
import { type Bundle, bundleHandler } from './bundle.ts';
import { guessHandlers, HANDLERS, type HandlerName, handlersNamedBy } from './handler-names.ts';
import { assembleWit } from './wit-folder.ts';
import { writeWhole } from './write-whole.ts';

export type BuildStep = 'bundle' | 'componentize' | 'write';

export interface BuildOptions {
  /** Where to write the component; nothing is written without it. */
  readonly outFile?: string;
  /** Called as each step starts. */
  readonly onProgress?: (step: BuildStep) => void;
  /** Called with the absolute path of each file that goes into it, also where it cannot be built. */
  readonly onRead?: (path: string) => void;
  /** `speed` is 2.4 MB; `size` is 1.8 MB and runs slower. */
  readonly optimizeFor?: 'speed' | 'size';
}

export interface BuiltHandler {
  readonly component: Uint8Array;
  /** Those that the module has; the component exports them and no others. */
  readonly handlers: readonly HandlerName[];
  /** The JavaScript that went in, runtime included. */
  readonly bundleBytes: number;
  /** Wall-clock time of each step. */
  readonly ms: { readonly bundle: number; readonly componentize: number };
}

/**
 * Builds a TypeScript or JavaScript module whose default export has `fetch`, `queue` or `scheduled` into a component that
 * exports wasi:http/handler@0.3.0 and handlers of mayfly:events for those, with QuickJS inside. The module's top level
 * runs now, in the build; its memory is what every invocation starts from.
 * @throws {BuildError} naming file, line and column
 */
export async function buildHandler(entry: string, options: BuildOptions = {}): Promise<BuiltHandler> {
  const path = resolve(entry);
  await access(path).catch(() => {
    throw new BuildError(`${relative('', path)} does not exist`);
  });
  const guessed = await guessHandlers(path);
  const first = await buildWith(guessed, path, options);
  const built = first instanceof WrongHandlers ? await buildWith(first.found, path, options) : first;
  if (built instanceof WrongHandlers)
    throw new BuildError(`${relative('', path)} has other handlers each time it is initialised`);
  if (options.outFile !== undefined) {
    options.onProgress?.('write');
    await writeWhole(options.outFile, built.component);
  }
  return built;
}

/** The module has these handlers instead of those that were expected. */
class WrongHandlers {
  readonly found: readonly HandlerName[];

  constructor(found: readonly HandlerName[]) {
    this.found = found;
  }
}

async function buildWith(
  handlers: readonly HandlerName[],
  path: string,
  { onProgress, onRead, optimizeFor = 'speed' }: BuildOptions,
): Promise<BuiltHandler | WrongHandlers> {
  const startedAt = performance.now();
  onProgress?.('bundle');
  const bundle = await bundleHandler(path, handlers, onRead);
  const bundledAt = performance.now();
  onProgress?.('componentize');
  const component = await initialise(bundle, handlers, relative('', path), optimizeFor);
  if (component instanceof WrongHandlers) return component;
  const componentizedAt = performance.now();
  return {
    component,
    handlers,
    bundleBytes: Buffer.byteLength(bundle.code),
    ms: { bundle: bundledAt - startedAt, componentize: componentizedAt - bundledAt },
  };
}

async function initialise(
  bundle: Bundle,
  handlers: readonly HandlerName[],
  entry: string,
  optimizeFor: 'speed' | 'size',
): Promise<Uint8Array | WrongHandlers> {
  await using wit = await assembleWit(handlers.map((name) => HANDLERS[name].interface));
  try {
    const { component } = await componentize({
      witPath: wit.path,
      world: 'built',
      jsSource: bundle.code,
      optSize: optimizeFor === 'size',
    });
    return component;
  } catch (error) {
    const found = handlersNamedBy(error instanceof Error ? error.message : String(error));
    if (found !== undefined) return new WrongHandlers(found);
    throw toBuildError(error, bundle, entry);
  }
}

/** What the module's top level threw, placed in the author's source. */
function toBuildError(error: unknown, bundle: Bundle, entry: string): BuildError {
  const text = error instanceof Error ? error.message : String(error);
  if (text.includes('MAYFLY_NO_HANDLER')) {
    return new BuildError(
      `${entry} has no handler: write \`export default { async fetch(request) { ... } }\``,
      { cause: error },
    );
  }
  const [, thrown] = /module evaluation: ([^\n]*)/.exec(text) ?? [];
  for (const [, line, column] of text.matchAll(/user\.js:(\d+):(\d+)/g)) {
    const location = bundle.locate(Number(line), Number(column));
    const isRuntime = location === undefined || /guest-sdk[\\/]runtime[\\/]/.test(location.file);
    if (!isRuntime)
      return new BuildError(`the module failed while it initialised: ${thrown ?? text}`, {
        location,
        cause: error,
      });
  }
  return new BuildError(`${entry}: the module failed while it initialised: ${thrown ?? text}`, {
    cause: error,
  });
}
