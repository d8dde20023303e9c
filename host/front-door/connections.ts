import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Link, LinkedList } from '../linked-list.ts';

/** How long a caller who still sends may take to notice that it was answered. */
const LINGER_MS = 1_000;

export interface ConnectionsOptions {
  /** Connections that are kept open; without a bound if absent. */
  readonly max?: number;
  /** Turns away a connection for which there is no room: answers, and closes it. */
  readonly refuse?: (socket: Socket) => void;
}

interface Connection {
  readonly socket: Socket;
  /** The last response on it. */
  latest: ServerResponse | undefined;
}

/**
 * The connections of a server, so that a drain waits for requests and for nothing else. Node's own
 * `closeIdleConnections` takes one that has not sent a byte for busy, for as long as `headersTimeout`, and one
 * that becomes idle later stays for the keep-alive time.
 *
 * There is a bound on their number. Beyond it, a new connection takes the place of the one that has been idle longest
 * (half a request's head is idle, too); where none is idle, the new one is turned away.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** Those without a request under way, the longest idle first. */
  readonly #idle = new LinkedList<Connection>();
  readonly #open = new Map<Socket, Link<Connection>>();
  /** Sockets whose `close` is still to come, those that were turned away or made room included. */
  #unclosed = 0;
  /** Once a drain has begun. */
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(server: Server, options: ConnectionsOptions = {}) {
    this.#options = options;
    server.on('connection', (socket: Socket) => {
      this.#unclosed++;
      socket.once('close', () => {
        this.#unclosed--;
        this.#settleDrain();
      });
      if (!this.#makeRoom()) {
        options.refuse?.(socket);
        return;
      }
      const connection = new Link<Connection>({ socket, latest: undefined });
      this.#open.set(socket, connection);
      this.#idle.append(connection);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#idle.remove(connection);
      });
      // What Node calls after the last response on a connection.
      const closeAtOnce = socket.destroySoon;
      socket.destroySoon = () => {
        const response = connection.value.latest;
        if (response === undefined || response.req.complete) closeAtOnce.call(socket);
        else linger(socket, response);
      };
    });
    server.on('request', (incoming, outgoing) => {
      const connection = this.#open.get(incoming.socket);
      if (connection === undefined) return;
      connection.value.latest = outgoing;
      this.#idle.remove(connection);
      // It happens once: `once` would make two more objects of each.
      outgoing.on('close', () => {
        if (connection.value.latest === outgoing && this.#open.has(incoming.socket))
          this.#idle.append(connection);
      });
      if (this.#drained !== undefined) this.#closeAfter(connection.value);
    });
  }

  /** Whether an answer written to the socket itself would stand at the start of a response, not inside of one. */
  isBetweenResponses(socket: Socket): boolean {
    const response = this.#open.get(socket)?.value.latest;
    if (response === undefined || response.closed) return true;
    // Without a socket it waits for the one before it in a pipeline, of which some may be out already.
    return response.socket !== null && !response.headersSent;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Closes every connection as soon as no request is under way on it; half a request's head is none.
   *
   * @returns when all are closed, and whoever listened before this did has seen it. The server's own `close` comes before that of its last
   *   sockets: a thread that was ended in between left descriptors behind, and callers with connections that nobody closed.
   */
  drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    for (const { value } of this.#open.values()) this.#closeAfter(value);
    this.#settleDrain();
    return this.#drained.promise;
  }

  #settleDrain(): void {
    if (this.#unclosed === 0) this.#drained?.resolve();
  }

  #makeRoom(): boolean {
    const { max } = this.#options;
    if (max === undefined || this.#open.size < max) return true;
    const longestIdle = this.#idle.first;
    if (longestIdle === undefined) return false;
    const { socket } = longestIdle.value;
    // Its `close` comes later; from here on it counts no more.
    this.#open.delete(socket);
    this.#idle.remove(longestIdle);
    socket.destroy();
    return true;
  }

  #closeAfter(connection: Connection): void {
    const { socket, latest } = connection;
    if (latest === undefined || latest.closed) {
      socket.destroy();
      return;
    }
    latest.once('close', () => {
      // Another request may have followed on the same connection; its own response closes it.
      if (connection.latest === latest) socket.destroySoon();
    });
  }
}

/**
 * RFC 9112, section 9.6: closed with bytes of the request unread, the kernel resets the connection, and a caller
 * that still sends sees a broken pipe instead of the answer. So only our half is closed, and what comes is dropped.
 */
function linger(socket: Socket, { req }: ServerResponse): void {
  // Asked for twice: it lingers already.
  if (socket.writableEnded) return;
  req.removeAllListeners('readable');
  req.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('end', () => socket.destroy());
  socket.once('close', () => clearTimeout(timer));
}
