import type { Descriptor } from '../../../host/wasi/filesystem/descriptor.ts';
import { FilesystemError, type FilesystemErrorCode } from '../../../host/wasi/filesystem/error-code.ts';
import { createPreopens } from '../../../host/wasi/filesystem/imports.ts';
import type { FakeContextOptions } from '../fake-context.ts';
import { createFakeContext, type FakeContext } from '../fake-context.ts';

/** The preopened `/` of a fresh invocation. */
export function openRoot(options: FakeContextOptions = {}): { root: Descriptor; context: FakeContext } {
  const context = createFakeContext(options);
  return { root: createPreopens(context).getDirectories()[0]![0], context };
}

/** What a call gives: its value, or the error code it throws. */
export function attempt<T>(call: () => T): T | FilesystemErrorCode {
  try {
    return call();
  } catch (error) {
    if (error instanceof FilesystemError) return error.payload;
    throw error;
  }
}

export function openForWriting(root: Descriptor, path: string): Descriptor {
  return root.openAt({ symlinkFollow: true }, path, { create: true }, { read: true, write: true });
}

export function writeFile(root: Descriptor, path: string, text: string): void {
  const file = root.openAt({ symlinkFollow: true }, path, { create: true, truncate: true }, { write: true });
  try {
    file.write(Buffer.from(text), 0n);
  } finally {
    file[Symbol.dispose]();
  }
}

export function readFile(root: Descriptor, path: string): string {
  const file = root.openAt({ symlinkFollow: true }, path, {}, { read: true });
  try {
    return Buffer.from(file.read(1_000_000n, 0n)[0]).toString();
  } finally {
    file[Symbol.dispose]();
  }
}

export function listDirectory(root: Descriptor, path: string): string[] {
  const directory = root.openAt({}, path, { directory: true }, { read: true });
  const stream = directory.readDirectory();
  const names: string[] = [];
  for (let entry = stream.readDirectoryEntry(); entry !== undefined; entry = stream.readDirectoryEntry()) {
    names.push(entry.name);
  }
  stream[Symbol.dispose]();
  directory[Symbol.dispose]();
  return names.sort();
}
