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
/**
 * Parts of one walk, those that symlinks add among them: 25 µs at most, whatever a guest makes of its own directory. With 40 symlinks of
 * 2,000 parts each a call could take half a second, and costs no more fuel than any other.
 */
const MAX_PARTS = 512;

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

/** The parts of a path, the last one first. */
interface SplitPath {
  readonly reversed: string[];
  readonly endsInSlash: boolean;
}

function split(path: string): SplitPath {
  if (path === '') fail('no-entry');
  if (path.length > MAX_PATH_LENGTH) fail('name-too-long');
  if (path.startsWith('/')) fail('not-permitted');
  if (path.includes('\0')) fail('invalid');
  const parts = path.split('/').filter((part) => part !== '');
  return { reversed: parts.reverse(), endsInSlash: path.endsWith('/') };
}

/**
 * Resolves `path` from `base`. A symlink in the middle is always followed, one at the end if `follow` is set
 * or the path ends in a slash. Throws `not-permitted` for a path that leads above `base`.
 */
export function resolve(base: DirectoryNode, path: string, follow: boolean): Place {
  /** Directories from `base` down to the current one. */
  const trail: DirectoryNode[] = [base];
  const { reversed: pending, endsInSlash } = split(path);
  let mustBeDirectory = endsInSlash;
  let parts = pending.length;
  let symlinks = 0;
  let place: Place = { kind: 'unnamed', node: base };
  for (;;) {
    if (parts > MAX_PARTS) fail('name-too-long');
    const part = pending.pop();
    if (part === undefined) return place;
    const isLast = pending.length === 0;
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
    if (node?.kind === 'symlink' && (!isLast || follow || mustBeDirectory)) {
      symlinks += 1;
      if (symlinks > MAX_SYMLINKS) fail('loop');
      const target = split(node.target);
      if (isLast && target.endsInSlash) mustBeDirectory = true;
      pending.push(...target.reversed);
      parts += target.reversed.length;
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
