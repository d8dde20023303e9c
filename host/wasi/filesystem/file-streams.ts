import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSink, ByteSource } from '../io/bytes.ts';
import { StreamClosedError } from '../io/error.ts';
import type { FileNode } from './node.ts';
import type { FileTree } from './tree.ts';

const resolved = Promise.resolve();

/** Reads a file from an offset on; ends at what is the file's end then. */
export class FileSource implements ByteSource {
  readonly #tree: FileTree;
  readonly #file: FileNode;
  #offset: number;
  #closed = false;

  constructor(tree: FileTree, file: FileNode, offset: number) {
    this.#tree = tree;
    this.#file = file;
    this.#offset = offset;
    tree.open(file);
  }

  read(maxBytes: number): Uint8Array | 'end' {
    if (this.#closed) return 'end';
    const bytes = this.#file.data.read(this.#offset, maxBytes);
    if (bytes.length === 0) return 'end';
    this.#offset += bytes.length;
    return bytes;
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return resolved;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tree.close(this.#file);
  }
}

/** Writes a file from an offset on, or always at its end. A failed write shows at the next `checkWrite`. */
export class FileSink implements ByteSink {
  readonly #tree: FileTree;
  readonly #file: FileNode;
  #position: number | 'end';
  #failure: unknown;
  #closed = false;

  constructor(tree: FileTree, file: FileNode, position: number | 'end') {
    this.#tree = tree;
    this.#file = file;
    this.#position = position;
    tree.open(file);
  }

  checkWrite(): number {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closed) throw new StreamClosedError();
    return STREAM_BUFFER_BYTES;
  }

  write(bytes: Uint8Array): void {
    const { data } = this.#file;
    try {
      for (let rest = bytes; rest.length > 0; ) {
        const written = data.write(this.#position === 'end' ? data.size : this.#position, rest);
        if (this.#position !== 'end') this.#position += written;
        rest = rest.subarray(written);
      }
      this.#file.modifiedNs = this.#tree.nowNs();
    } catch (error) {
      this.#failure = error;
    }
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return resolved;
  }

  flushed(): Promise<void> {
    return resolved;
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tree.close(this.#file);
  }

  abort(): void {
    this.end();
  }
}
