/**
 * The private file tree of one invocation: `/` with nothing but `/tmp` in it. It is made when the guest first
 * asks for its directories, and garbage with the invocation.
 *
 * 1. `#nodes` counts what exists: linked, or unlinked and still open. It never exceeds MAX_NODES.
 * 2. A node's space goes back to the budget when its last link and its last opener are gone.
 * 3. Directories form a tree: `parent` leads to the root, and no directory is below itself.
 */
import type { Clock } from '../context.ts';
import { type FilesystemErrorCode, fail } from './error-code.ts';
import { FileData } from './file-data.ts';
import type { DirectoryNode, FileNode, Node, SymlinkNode } from './node.ts';
import type { NamedPlace, Place } from './path.ts';
import { SpaceBudget } from './space-budget.ts';

/** Files, directories and symlinks together; each takes up to 1 KiB of host memory beside its bytes. */
export const MAX_NODES = 10_000;

/** As ext4. */
const MAX_LINKS = 65_000;

export class FileTree {
  readonly root: DirectoryNode;
  readonly budget: SpaceBudget;
  readonly #clock: Clock;
  #nodes = 0;
  #nextId = 1;

  constructor(tmpBytes: number, clock: Clock) {
    this.#clock = clock;
    this.budget = new SpaceBudget(tmpBytes);
    this.root = this.#createDirectory(undefined, false);
    this.root.entries.set('tmp', this.#createDirectory(this.root, true));
  }

  get nodeCount(): number {
    return this.#nodes;
  }

  nowNs(): bigint {
    return this.#clock.wallNs();
  }

  /** @throws `read-only` outside of `/tmp` */
  createFile(place: NamedPlace): FileNode {
    this.#makeRoom(place);
    if (place.mustBeDirectory) fail('is-directory');
    const file: FileNode = { ...this.#base(true, 1), kind: 'file', data: new FileData(this.budget) };
    this.#link(place, file);
    return file;
  }

  createDirectory(place: Place): void {
    if (place.kind === 'unnamed') fail('exist');
    this.#makeRoom(place);
    this.#link(place, this.#createDirectory(place.parent, true));
  }

  /** @param target relative; its length counts as space */
  createSymlink(place: Place, target: string): void {
    if (target === '' || place.kind === 'unnamed') fail(target === '' ? 'no-entry' : 'exist');
    if (target.startsWith('/')) fail('not-permitted');
    if (target.length > 4095) fail('name-too-long');
    this.#makeRoom(place);
    if (place.mustBeDirectory) fail('no-entry');
    if (!this.budget.take(target.length)) fail('insufficient-space');
    const symlink: SymlinkNode = { ...this.#base(true, 1), kind: 'symlink', target };
    this.#link(place, symlink);
  }

  createLink(node: Node, place: Place): void {
    if (node.kind === 'directory') fail('not-permitted');
    if (place.kind === 'unnamed') fail('exist');
    this.#checkFree(place);
    if (place.mustBeDirectory) fail('no-entry');
    if (node.links >= MAX_LINKS) fail('too-many-links');
    node.links += 1;
    node.changedNs = this.nowNs();
    this.#link(place, node);
  }

  removeDirectory(place: Place): void {
    if (place.kind === 'unnamed') fail('invalid');
    const { node } = place;
    if (node === undefined) fail('no-entry');
    if (node.kind !== 'directory') fail('not-directory');
    this.#checkWritable(place.parent);
    if (node.entries.size > 0) fail('not-empty');
    this.#unlink(place, node);
  }

  unlinkFile(place: Place): void {
    if (place.kind === 'unnamed') fail('is-directory');
    const { node } = place;
    if (node === undefined) fail('no-entry');
    if (node.kind === 'directory') fail('is-directory');
    this.#checkWritable(place.parent);
    this.#unlink(place, node);
  }

  /** Replaces what is at `to`, if that is of the same kind and, being a directory, empty. */
  rename(from: Place, to: Place): void {
    if (from.kind === 'unnamed' || to.kind === 'unnamed') fail('busy');
    const { node } = from;
    if (node === undefined) fail('no-entry');
    this.#checkWritable(from.parent);
    this.#checkWritable(to.parent);
    if (to.parent.links === 0) fail('no-entry');
    if (to.mustBeDirectory && node.kind !== 'directory') fail('not-directory');
    if (to.node === node) return;
    if (node.kind === 'directory') this.#checkNotBelow(node, to.parent);
    if (to.node !== undefined) {
      this.#checkReplaceable(node, to.node);
      this.#unlink(to, to.node);
    }
    from.parent.entries.delete(from.name);
    from.parent.modifiedNs = this.nowNs();
    if (node.kind === 'directory') node.parent = to.parent;
    node.changedNs = this.nowNs();
    this.#link(to, node);
  }

  open(node: Node): void {
    node.opens += 1;
  }

  close(node: Node): void {
    node.opens -= 1;
    this.#collect(node);
  }

  #checkWritable(node: Node): void {
    if (!node.writable) fail('read-only');
  }

  #checkFree({ parent, node }: NamedPlace): void {
    if (node !== undefined) fail('exist');
    this.#checkWritable(parent);
    if (parent.links === 0) fail('no-entry');
  }

  #makeRoom(place: NamedPlace): void {
    this.#checkFree(place);
    if (this.#nodes >= MAX_NODES) fail('insufficient-space');
  }

  #checkReplaceable(node: Node, target: Node): void {
    const refusal = refusalToReplace(node, target);
    if (refusal !== undefined) fail(refusal);
  }

  #checkNotBelow(node: DirectoryNode, directory: DirectoryNode): void {
    for (let at: DirectoryNode | undefined = directory; at !== undefined; at = at.parent) {
      if (at === node) fail('invalid');
    }
  }

  #link({ parent, name }: NamedPlace, node: Node): void {
    parent.entries.set(name, node);
    parent.modifiedNs = this.nowNs();
  }

  #unlink({ parent, name }: NamedPlace, node: Node): void {
    parent.entries.delete(name);
    parent.modifiedNs = this.nowNs();
    node.links -= 1;
    node.changedNs = this.nowNs();
    if (node.kind === 'directory') node.parent = undefined;
    this.#collect(node);
  }

  /** Invariant 2. */
  #collect(node: Node): void {
    if (node.links > 0 || node.opens > 0) return;
    this.#nodes -= 1;
    if (node.kind === 'file') node.data.clear();
    if (node.kind === 'symlink') this.budget.giveBack(node.target.length);
  }

  #createDirectory(parent: DirectoryNode | undefined, writable: boolean): DirectoryNode {
    return { ...this.#base(writable, 1), kind: 'directory', entries: new Map(), parent };
  }

  #base(writable: boolean, links: number) {
    const now = this.nowNs();
    const id = this.#nextId;
    this.#nextId += 1;
    this.#nodes += 1;
    return { id, writable, links, opens: 0, accessedNs: now, modifiedNs: now, changedNs: now };
  }
}

function refusalToReplace(node: Node, target: Node): FilesystemErrorCode | undefined {
  if (node.kind === 'directory') {
    if (target.kind !== 'directory') return 'not-directory';
    return target.entries.size > 0 ? 'not-empty' : undefined;
  }
  return target.kind === 'directory' ? 'is-directory' : undefined;
}
