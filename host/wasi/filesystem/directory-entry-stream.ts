import type { Handles } from '../io/handles.ts';
import type { DirectoryNode } from './node.ts';
import { type DescriptorType, typeOf } from './stat.ts';
import type { FileTree } from './tree.ts';

/** `directory-entry`. */
export interface DirectoryEntry {
  readonly type: DescriptorType;
  readonly name: string;
}

/**
 * Resource `directory-entry-stream`: the names in a directory, without `.` and `..`, in the order in which
 * they were made. It looks at the living directory: names that come or go meanwhile may or may not show.
 */
export class DirectoryEntryStream {
  readonly #tree: FileTree;
  readonly #directory: DirectoryNode;
  readonly #handles: Handles;
  readonly #entries: ReturnType<DirectoryNode['entries']['entries']>;
  #dropped = false;

  private constructor(tree: FileTree, directory: DirectoryNode, handles: Handles) {
    this.#tree = tree;
    this.#directory = directory;
    this.#handles = handles;
    this.#entries = directory.entries.entries();
  }

  static from(tree: FileTree, directory: DirectoryNode, handles: Handles): DirectoryEntryStream {
    handles.open();
    tree.open(directory);
    return new DirectoryEntryStream(tree, directory, handles);
  }

  readDirectoryEntry(): DirectoryEntry | undefined {
    const { done, value } = this.#entries.next();
    return done ? undefined : { name: value[0], type: typeOf(value[1]) };
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#tree.close(this.#directory);
    this.#handles.close();
  }
}
