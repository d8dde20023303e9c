import type { Handles } from '../io/handles.ts';
import { InputStream, OutputStream } from '../io/streams.ts';
import { DirectoryEntryStream } from './directory-entry-stream.ts';
import { fail } from './error-code.ts';
import { FileSink, FileSource } from './file-streams.ts';
import type { DirectoryNode, FileNode, Node } from './node.ts';
import { resolve, resolveNode } from './path.ts';
import {
  type DescriptorStat,
  type DescriptorType,
  type NewTimestamp,
  setTimes,
  statOf,
  typeOf,
} from './stat.ts';
import type { FileTree } from './tree.ts';

/** `descriptor-flags`; jco leaves absent flags out or gives `false`. */
export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}

/** `path-flags`. */
export interface PathFlags {
  readonly symlinkFollow?: boolean;
}

/** `open-flags`. */
export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

/** `metadata-hash-value`. */
export interface MetadataHash {
  readonly lower: bigint;
  readonly upper: bigint;
}

/** What the descriptors of one invocation share. */
export interface FilesystemSession {
  readonly tree: FileTree;
  readonly handles: Handles;
}

/** The device part of a metadata hash: all files of a guest lie on one. */
const DEVICE = 1n;

/**
 * Resource `wasi:filesystem/types#descriptor` (WASI 0.2) over a {@link FileTree}. Methods throw
 * `FilesystemError`, which jco turns into the `error-code` of the result. What may be changed depends on where
 * a node lies (`/tmp` or not), so a directory's `mutate-directory` follows from the node, as in Wasmtime.
 */
export class Descriptor {
  readonly #session: FilesystemSession;
  readonly #node: Node;
  readonly #flags: DescriptorFlags;
  #dropped = false;

  private constructor(session: FilesystemSession, node: Node, flags: DescriptorFlags) {
    this.#session = session;
    this.#node = node;
    this.#flags = flags;
  }

  static from(session: FilesystemSession, node: Node, flags: DescriptorFlags): Descriptor {
    session.handles.open();
    session.tree.open(node);
    return new Descriptor(session, node, flags);
  }

  readViaStream(offset: bigint): InputStream {
    const { tree, handles } = this.#session;
    return InputStream.from(new FileSource(tree, this.#readableFile(), Number(offset)), { handles });
  }

  writeViaStream(offset: bigint): OutputStream {
    return this.#outputStream(Number(offset));
  }

  appendViaStream(): OutputStream {
    return this.#outputStream('end');
  }

  advise(_offset: bigint, _length: bigint, _advice: string): void {
    this.#file();
  }

  /** All data is as safe as it will ever be. */
  syncData(): void {}

  sync(): void {}

  getFlags(): DescriptorFlags {
    return this.#node.kind === 'directory'
      ? { read: true, mutateDirectory: this.#node.writable }
      : this.#flags;
  }

  getType(): DescriptorType {
    return typeOf(this.#node);
  }

  setSize(size: bigint): void {
    const file = this.#writableFile();
    file.data.resize(Number(size));
    this.#touch(file);
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    setTimes(this.#node, accessed, modified, this.#session.tree.nowNs());
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const { data } = this.#readableFile();
    const bytes = data.read(Number(offset), Number(length));
    return [bytes, Number(offset) + bytes.length >= data.size];
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    const file = this.#writableFile();
    const written = file.data.write(Number(offset), buffer);
    this.#touch(file);
    return BigInt(written);
  }

  readDirectory(): DirectoryEntryStream {
    return DirectoryEntryStream.from(this.#session.tree, this.#directory(), this.#session.handles);
  }

  createDirectoryAt(path: string): void {
    this.#session.tree.createDirectory(resolve(this.#directory(), path, false));
  }

  stat(): DescriptorStat {
    return statOf(this.#node);
  }

  statAt(flags: PathFlags, path: string): DescriptorStat {
    return statOf(this.#at(flags, path));
  }

  setTimesAt(flags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    setTimes(this.#at(flags, path), accessed, modified, this.#session.tree.nowNs());
  }

  linkAt(oldFlags: PathFlags, oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    // As Wasmtime: following a symlink here could give a name to what it points to by surprise.
    if (oldFlags.symlinkFollow === true) fail('invalid');
    const node = resolveNode(this.#directory(), oldPath, false);
    this.#session.tree.createLink(node, resolve(newDescriptor.#directory(), newPath, false));
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor {
    const { create = false, directory = false, exclusive = false, truncate = false } = openFlags;
    if (create && directory) fail('invalid');
    const follow = pathFlags.symlinkFollow === true && !(create && exclusive);
    const place = resolve(this.#directory(), path, follow);
    const { tree } = this.#session;
    const { node } = place;
    const granted = { ...flags, read: flags.read === true || flags.write !== true };
    if (node === undefined) {
      if (!create || place.kind === 'unnamed') fail('no-entry');
      return Descriptor.from(this.#session, tree.createFile(place), granted);
    }
    if (create && exclusive) fail('exist');
    if (node.kind === 'symlink') fail('loop');
    if (node.kind === 'directory') {
      if (flags.write === true || truncate || create) fail('is-directory');
    } else {
      if (directory) fail('not-directory');
      if (truncate) this.#truncate(node);
    }
    return Descriptor.from(this.#session, node, granted);
  }

  readlinkAt(path: string): string {
    const node = resolveNode(this.#directory(), path, false);
    return node.kind === 'symlink' ? node.target : fail('invalid');
  }

  removeDirectoryAt(path: string): void {
    this.#session.tree.removeDirectory(resolve(this.#directory(), path, false));
  }

  renameAt(oldPath: string, newDescriptor: Descriptor, newPath: string): void {
    const from = resolve(this.#directory(), oldPath, false);
    this.#session.tree.rename(from, resolve(newDescriptor.#directory(), newPath, false));
  }

  symlinkAt(oldPath: string, newPath: string): void {
    this.#session.tree.createSymlink(resolve(this.#directory(), newPath, false), oldPath);
  }

  unlinkFileAt(path: string): void {
    this.#session.tree.unlinkFile(resolve(this.#directory(), path, false));
  }

  isSameObject(other: Descriptor): boolean {
    return this.#node === other.#node;
  }

  metadataHash(): MetadataHash {
    return hashOf(this.#node);
  }

  metadataHashAt(flags: PathFlags, path: string): MetadataHash {
    return hashOf(this.#at(flags, path));
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#session.tree.close(this.#node);
    this.#session.handles.close();
  }

  #at(flags: PathFlags, path: string): Node {
    return resolveNode(this.#directory(), path, flags.symlinkFollow === true);
  }

  #directory(): DirectoryNode {
    return this.#node.kind === 'directory' ? this.#node : fail('not-directory');
  }

  #file(): FileNode {
    return this.#node.kind === 'file' ? this.#node : fail('bad-descriptor');
  }

  #readableFile(): FileNode {
    if (this.#node.kind === 'directory') fail('is-directory');
    return this.#flags.read === true ? this.#file() : fail('bad-descriptor');
  }

  #writableFile(): FileNode {
    return this.#flags.write === true ? this.#file() : fail('bad-descriptor');
  }

  #outputStream(position: number | 'end'): OutputStream {
    const { tree, handles } = this.#session;
    const sink = new FileSink(tree, this.#writableFile(), position);
    return OutputStream.from(sink, { handles, onDrop: () => sink.end() });
  }

  #truncate(file: FileNode): void {
    file.data.resize(0);
    this.#touch(file);
  }

  #touch(file: FileNode): void {
    file.modifiedNs = this.#session.tree.nowNs();
    file.changedNs = file.modifiedNs;
  }
}

/** Equal exactly for the same node: guests use it as device and inode number. */
function hashOf(node: Node): MetadataHash {
  return { lower: BigInt(node.id), upper: DEVICE };
}
