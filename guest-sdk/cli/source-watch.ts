import { relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { projectFolder } from '../build/project-folder.ts';

/** What an editor writes in one go may arrive as several changes. */
const SETTLE_MS = 50;

/**
 * Watches the sources of a project.
 *
 * 1. A change while nobody waits is kept: `changed()` resolves at once then, for any number of them once.
 */
export class SourceWatch implements AsyncDisposable {
  readonly #watcher: FSWatcher;
  #hasChanged = false;
  #settling: NodeJS.Timeout | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Below the folder that has the package.json of `file`, or else below its own. */
  constructor(file: string) {
    const folder = projectFolder(file);
    this.#watcher = watch(folder, {
      ignoreInitial: true,
      ignored: (path, stats) => isNoSource(relative(folder, path), stats?.isFile() ?? false),
    });
    this.#watcher.on('all', () => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => this.#tell(), SETTLE_MS);
    });
  }

  /** When every folder is watched. */
  ready(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watcher.once('ready', resolve);
    return promise;
  }

  async changed(): Promise<void> {
    if (!this.#hasChanged) {
      this.#waiting ??= Promise.withResolvers();
      await this.#waiting.promise;
    }
    this.#hasChanged = false;
  }

  #tell(): void {
    this.#hasChanged = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#settling);
    await this.#watcher.close();
  }
}

/** What a function may consist of; a log that is written beside it is no reason to build. */
const SOURCES = /\.(?:[mc]?[jt]sx?|json|wat|wasm)$/;

/** What is installed, and what is hidden: a host's data, version control. */
function isNoSource(path: string, isFile: boolean): boolean {
  if (path.split(sep).some((part) => part === 'node_modules' || part.startsWith('.'))) return true;
  return isFile && !SOURCES.test(path);
}
