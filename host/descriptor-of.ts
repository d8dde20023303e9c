import type { Server, Socket } from 'node:net';

/** The file descriptor of a socket, or of a server's. Node has it, and does not document it. */
export function descriptorOf(owner: Socket | Server): number | undefined {
  const { _handle: handle } = owner as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
