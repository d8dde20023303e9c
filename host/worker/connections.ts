import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The connections of a server, so that a drain waits for requests and for nothing else. Node's own
 * `closeIdleConnections` takes one that has not sent a byte for busy, for as long as `headersTimeout`, and one
 * that becomes idle later stays for the keep-alive time.
 */
export class Connections {
  /** The last response on each; a request costs one entry written, nothing more. */
  readonly #latest = new Map<Socket, ServerResponse | undefined>();
  #isDraining = false;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#latest.set(socket, undefined);
      socket.once('close', () => this.#latest.delete(socket));
    });
    server.on('request', (incoming, outgoing) => {
      this.#latest.set(incoming.socket, outgoing);
      if (this.#isDraining) this.#closeAfter(incoming.socket, outgoing);
    });
  }

  /** Closes every connection as soon as no request is under way on it; half a request's head is none. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, response] of this.#latest) this.#closeAfter(socket, response);
  }

  #closeAfter(socket: Socket, response: ServerResponse | undefined): void {
    if (response === undefined || response.closed) {
      socket.destroy();
      return;
    }
    response.once('close', () => {
      // Another request may have followed on the same connection; its own response closes it.
      if (this.#latest.get(socket) === response) socket.destroySoon();
    });
  }
}
