/** The file tree against a model that knows nothing of nodes: a map from path to contents. */
import test from 'ava';
import type { Descriptor } from '../../../host/wasi/filesystem/descriptor.ts';
import { seededRandom } from '../fake-context.ts';
import { attempt, listDirectory, openRoot, readFile, writeFile } from './open-root.ts';

/** Contents of a file, or `'directory'`. Paths are relative to `/tmp`, without slashes at their ends. */
class Model {
  readonly entries = new Map<string, string | { readonly directory: true }>();

  isDirectory(path: string): boolean {
    return path === '' || typeof this.entries.get(path) === 'object';
  }

  isFile(path: string): boolean {
    return typeof this.entries.get(path) === 'string';
  }

  children(path: string): string[] {
    const prefix = path === '' ? '' : `${path}/`;
    return [...this.entries.keys()]
      .filter((key) => key.startsWith(prefix) && !key.slice(prefix.length).includes('/'))
      .map((key) => key.slice(prefix.length))
      .sort();
  }

  /** What resolving everything before the last name gives. */
  wayTo(path: string): 'ok' | 'no-entry' | 'not-directory' {
    const parts = path.split('/');
    for (let count = 1; count < parts.length; count += 1) {
      const way = parts.slice(0, count).join('/');
      if (this.isFile(way)) return 'not-directory';
      if (!this.isDirectory(way)) return 'no-entry';
    }
    return 'ok';
  }

  write(path: string, text: string): string {
    const way = this.wayTo(path);
    if (way !== 'ok') return way;
    if (this.isDirectory(path)) return 'is-directory';
    this.entries.set(path, text);
    return 'ok';
  }

  read(path: string): string {
    const way = this.wayTo(path);
    if (way !== 'ok') return way;
    if (this.isDirectory(path)) return 'is-directory';
    return (this.entries.get(path) as string | undefined) ?? 'no-entry';
  }

  makeDirectory(path: string): string {
    const way = this.wayTo(path);
    if (way !== 'ok') return way;
    if (this.entries.has(path)) return 'exist';
    this.entries.set(path, { directory: true });
    return 'ok';
  }

  removeDirectory(path: string): string {
    const way = this.wayTo(path);
    if (way !== 'ok') return way;
    if (!this.entries.has(path)) return 'no-entry';
    if (this.isFile(path)) return 'not-directory';
    if (this.children(path).length > 0) return 'not-empty';
    this.entries.delete(path);
    return 'ok';
  }

  unlink(path: string): string {
    const way = this.wayTo(path);
    if (way !== 'ok') return way;
    if (!this.entries.has(path)) return 'no-entry';
    if (this.isDirectory(path)) return 'is-directory';
    this.entries.delete(path);
    return 'ok';
  }

  rename(from: string, to: string): string {
    const ways = [this.wayTo(from), this.wayTo(to)];
    const blocked = ways.find((way) => way !== 'ok');
    if (blocked !== undefined) return blocked;
    if (!this.entries.has(from)) return 'no-entry';
    if (from === to) return 'ok';
    if (this.isDirectory(from) && to.startsWith(`${from}/`)) return 'invalid';
    if (this.entries.has(to)) {
      if (this.isDirectory(from) && this.isFile(to)) return 'not-directory';
      if (this.isFile(from) && this.isDirectory(to)) return 'is-directory';
      if (this.children(to).length > 0) return 'not-empty';
    }
    const moved = [...this.entries].filter(([key]) => key === from || key.startsWith(`${from}/`));
    this.entries.delete(to);
    for (const [key] of moved) this.entries.delete(key);
    for (const [key, value] of moved) this.entries.set(to + key.slice(from.length), value);
    return 'ok';
  }
}

const NAMES = ['a', 'b', 'c'];

function randomPath(random: (bound: number) => number): string {
  return Array.from({ length: 1 + random(3) }, () => NAMES[random(NAMES.length)]).join('/');
}

function okOr(call: () => void): string {
  return attempt(call) ?? 'ok';
}

function readOr(root: Descriptor, path: string): string {
  return attempt(() => readFile(root, path));
}

test('the tree behaves like a map from path to contents', (t) => {
  const seed = Date.now() % 2 ** 31;
  t.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const { root } = openRoot();
  const model = new Model();
  for (let step = 0; step < 5000; step += 1) {
    const path = randomPath(random);
    const full = `tmp/${path}`;
    const other = randomPath(random);
    const text = `text ${step}`;
    const [name, expected, actual] = ((): [string, string, string] => {
      switch (random(7)) {
        case 0:
        case 1:
          return ['write', model.write(path, text), okOr(() => writeFile(root, full, text))];
        case 2:
          return ['mkdir', model.makeDirectory(path), okOr(() => root.createDirectoryAt(full))];
        case 3:
          return ['rmdir', model.removeDirectory(path), okOr(() => root.removeDirectoryAt(full))];
        case 4:
          return ['unlink', model.unlink(path), okOr(() => root.unlinkFileAt(full))];
        case 5:
          return ['rename', model.rename(path, other), okOr(() => root.renameAt(full, root, `tmp/${other}`))];
        default:
          return ['read', model.read(path), readOr(root, full)];
      }
    })();
    t.is(actual, expected, `seed ${seed}, step ${step}: ${name} ${path} ${other}`);
    if (step % 50 === 0) {
      for (const [key, value] of model.entries) {
        if (typeof value === 'string') t.is(readFile(root, `tmp/${key}`), value, `seed ${seed}`);
        else t.deepEqual(listDirectory(root, `tmp/${key}`), model.children(key), `seed ${seed}`);
      }
      t.deepEqual(listDirectory(root, 'tmp'), model.children(''), `seed ${seed}`);
    }
  }
});
