/**
 * Path resolution in a sandbox: relative to a directory, and never out of it (the rule of WASI's filesystem:
 * a descriptor for a directory gives no authority over what is above it, even where `/` is higher up).
 */
import { fail } from './error-code.ts';
import type { DirectoryNode, Node } from './node.ts';

/** As Linux: PATH_MAX, NAME_MAX and the number of symlinks followed before ELOOP. */
const MAX_PATH_LENGTH = 4096;
const MAX_NAME_LENGTH = 255;
const MAX_SYMLINKS = 40;

/** Where a path leads: a name in a directory, and what is there. */
export interface NamedPlace {
  readonly kind: 'named';
  readonly parent: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
  /** The path ended in `/`. */
  readonly mustBeDirectory: boolean;
}

/** The path ended in `.` or `..` : a directory without a name. */
export interface UnnamedPlace {
  readonly kind: 'unnamed';
  readonly node: DirectoryNode;
}

export type Place = NamedPlace | UnnamedPlace;

function split(path: string): string[] {
  if (path === '') fail('no-entry');
  if (path.length > MAX_PATH_LENGTH) fail('name-too-long');
  if (path.startsWith('/')) fail('not-permitted');
  if (path.includes('\0')) fail('invalid');
  return path.split('/');
}

/**
 * Resolves `path` from `base`. A symlink in the middle is always followed, one at the end if `follow` is set
 * or the path ends in a slash. Throws `not-permitted` for a path that leads above `base`.
 */
export function resolve(base: DirectoryNode, path: string, follow: boolean): Place {
  /** Directories from `base` down to the current one. */
  const trail: DirectoryNode[] = [base];
  let pending = split(path).reverse();
  let mustBeDirectory = false;
  let symlinks = 0;
  let place: Place = { kind: 'unnamed', node: base };
  for (;;) {
    const part = pending.pop();
    if (part === undefined) return place;
    if (part === '') continue;
    const isLast = pending.every((rest) => rest === '');
    const directory = trail.at(-1)!;
    if (part === '..') {
      if (trail.length === 1) fail('not-permitted');
      trail.pop();
    }
    if (part === '.' || part === '..') {
      place = { kind: 'unnamed', node: trail.at(-1)! };
      continue;
    }
    if (part.length > MAX_NAME_LENGTH) fail('name-too-long');
    const node = directory.entries.get(part);
    if (isLast && pending.length > 0) mustBeDirectory = true;
    if (node?.kind === 'symlink' && (!isLast || follow || mustBeDirectory)) {
      symlinks += 1;
      if (symlinks > MAX_SYMLINKS) fail('loop');
      pending = [...pending, ...split(node.target).reverse()];
      // Symlinks in symlinks multiply; the walk stays as short as that of one longest path.
      if (pending.length > MAX_PATH_LENGTH) fail('name-too-long');
      continue;
    }
    if (isLast) {
      if (mustBeDirectory && node !== undefined && node.kind !== 'directory') fail('not-directory');
      return { kind: 'named', parent: directory, name: part, node, mustBeDirectory };
    }
    if (node === undefined) fail('no-entry');
    if (node.kind !== 'directory') fail('not-directory');
    trail.push(node);
  }
}

/** The node a path leads to; `no-entry` where there is none. */
export function resolveNode(base: DirectoryNode, path: string, follow: boolean): Node {
  return resolve(base, path, follow).node ?? fail('no-entry');
}
