import { existsSync, realpathSync } from 'node:fs';
import { basename, extname, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { projectFolder } from '../build/project-folder.ts';

/** What an editor writes in one go may arrive as several changes. */
const SETTLE_MS = 50;
/** They decide which files imports lead to. */
const MANIFESTS = new Set(['package.json', 'package-lock.json', 'tsconfig.json']);
/** What a function may consist of; a component may be what a build has written. */
const SOURCES = /\.(?:[mc]?[jt]sx?|json|wat|wit)$/;

/** What a build has read, by absolute path. One that failed may have been about to read more. */
export interface SourcesRead {
  readonly paths: ReadonlySet<string>;
  readonly isComplete: boolean;
}

/**
 * Watches the sources of a project.
 *
 * 1. A change while nobody waits is kept: `changed()` resolves at once then, for any number of them once.
 * 2. Only what the last build has read counts, and what decides which files that is. Where it failed, so does every source of the project:
 *    the file that was missing may have come.
 */
export class SourceWatch implements AsyncDisposable {
  readonly #watcher: FSWatcher;
  readonly #changed = new Set<string>();
  #read: SourcesRead;
  #settling: NodeJS.Timeout | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Below the folder that has the package.json of `file`, or else below its own. */
  constructor(file: string) {
    // As the bundler names what it reads.
    const real = existsSync(file) ? realpathSync(file) : file;
    const folder = projectFolder(real);
    this.#read = { paths: new Set([real]), isComplete: false };
    this.#watcher = watch(folder, {
      ignoreInitial: true,
      ignored: (path, stats) => {
        if (this.#read.paths.has(path)) return false;
        return isHidden(relative(folder, path)) || (stats?.isFile() === true && !SOURCES.test(path));
      },
    });
    this.#watcher.on('all', (_, path) => {
      this.#changed.add(path);
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

  /** Something of what was read is another than when it was. */
  async changed(read: SourcesRead): Promise<void> {
    this.#read = read;
    // Those beside the project, and a component that is one.
    this.#watcher.add([...read.paths]);
    this.#waiting = Promise.withResolvers();
    if (this.#settling === undefined) this.#tell();
    await this.#waiting.promise;
    this.#waiting = undefined;
  }

  #tell(): void {
    this.#settling = undefined;
    if (this.#waiting === undefined) return;
    if ([...this.#changed].some((path) => this.#counts(path))) this.#waiting.resolve();
    this.#changed.clear();
  }

  #counts(path: string): boolean {
    const { paths, isComplete } = this.#read;
    if (paths.has(path) || MANIFESTS.has(basename(path))) return true;
    return !isComplete && extname(path) !== '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#settling);
    await this.#watcher.close();
  }
}

/** What is installed, and what is hidden: a host's data, version control. */
function isHidden(path: string): boolean {
  return path.split(sep).some((part) => part === 'node_modules' || part.startsWith('.'));
}
