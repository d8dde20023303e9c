/** What a tree is made of. Everything below `/tmp` is writable, nothing else is. */
import type { FileData } from './file-data.ts';

interface NodeBase {
  /** Unique within its tree; what guests see as the inode number. */
  readonly id: number;
  readonly writable: boolean;
  /** Names that lead here: 0 once it was unlinked. */
  links: number;
  /** Descriptors and streams that hold it open. */
  opens: number;
  /** Nanoseconds since the Unix epoch. */
  accessedNs: bigint;
  modifiedNs: bigint;
  changedNs: bigint;
}

export interface FileNode extends NodeBase {
  readonly kind: 'file';
  readonly data: FileData;
}

export interface DirectoryNode extends NodeBase {
  readonly kind: 'directory';
  readonly entries: Map<string, Node>;
  /** `undefined` for the root and for a directory that was removed. */
  parent: DirectoryNode | undefined;
}

export interface SymlinkNode extends NodeBase {
  readonly kind: 'symlink';
  /** Always relative. */
  readonly target: string;
}

export type Node = FileNode | DirectoryNode | SymlinkNode;
