import { readFileSync } from 'node:fs';
import { loadFfi } from '../ffi.ts';

/** Second descriptors of open sockets, which keep a connection open when whoever has the first one is gone. */
export interface Descriptors {
  /** Another descriptor of the same socket, or -1. No child process inherits it. */
  duplicate(fd: number): number;
  close(fd: number): void;
}

const F_DUPFD_CLOEXEC = 1_030;

/** Of this process; undefined where the system is not one on which this was tried, or has no `node:ffi`. */
export function openDescriptors(): Descriptors | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const library = loadFfi()?.dlopen(null, {
      fcntl: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
      close: { return: 'int32', arguments: ['int32'] },
    });
    if (library === undefined) return undefined;
    const { fcntl, close } = library.functions;
    return {
      duplicate: (fd) => fcntl(fd, F_DUPFD_CLOEXEC, 0),
      close: (fd) => void close(fd),
    };
  } catch {
    return undefined;
  }
}

/** How many descriptors this process may have; 0 where that cannot be found out. */
export function descriptorLimit(): number {
  try {
    const [, soft = '0'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft);
  } catch {
    return 0;
  }
}
