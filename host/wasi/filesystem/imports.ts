import type { WasiContext } from '../context.ts';
import { IoError } from '../io/error.ts';
import { Handles } from '../io/handles.ts';
import { Descriptor, type FilesystemSession } from './descriptor.ts';
import { DirectoryEntryStream } from './directory-entry-stream.ts';
import { FilesystemError, type FilesystemErrorCode } from './error-code.ts';
import { FileTree } from './tree.ts';

/** `wasi:filesystem/types` (WASI 0.2). Has no state: what a guest can reach begins with `preopens`. */
export const FILESYSTEM_TYPES_IMPORTS = {
  Descriptor,
  DirectoryEntryStream,
  filesystemErrorCode(error: IoError): FilesystemErrorCode | undefined {
    const cause = IoError.causeOf(error);
    return cause instanceof FilesystemError ? cause.payload : undefined;
  },
};

/**
 * `wasi:filesystem/preopens` (WASI 0.2): one directory, `/`. The tree behind it is made at the first call;
 * an invocation that never asks pays nothing.
 */
export function createPreopens(context: WasiContext) {
  let session: FilesystemSession | undefined;
  return {
    getDirectories(): [Descriptor, string][] {
      session ??= {
        tree: new FileTree(context.configuration.tmpBytes, context.clock),
        handles: Handles.of(context),
      };
      return [[Descriptor.from(session, session.tree.root, { read: true, mutateDirectory: true }), '/']];
    },
  };
}
