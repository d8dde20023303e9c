/** A TCP connection on which a test says exactly what it wants, well-formed or not. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export class RawConnection {
  readonly socket: Socket;
  #received = '';
  #isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
      socket.emit('progress');
    });
    // A reset is one way of being refused.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#isClosed = true;
      socket.emit('progress');
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Everything that came so far, one character per byte. */
  get received(): string {
    return this.#received;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves once the bytes are with the kernel or lost. */
  send(bytes: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => resolve());
    return promise;
  }

  /** Everything received once it matches; rejects if the connection closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.#isClosed) throw new Error(`closed before ${pattern}: ${JSON.stringify(this.#received)}`);
      await this.#progress();
    }
    return this.#received;
  }

  /** Everything received once the other side has closed. */
  async closed(): Promise<string> {
    while (!this.#isClosed) await this.#progress();
    return this.#received;
  }

  /** Not `once` of node:events, which rejects when the socket is reset. */
  #progress(): Promise<void> {
    return new Promise((resolve) => {
      this.socket.once('progress', resolve);
    });
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** One exchange: sends, and gives all that came back once the host has closed the connection. */
export async function exchange(port: number, bytes: string | Uint8Array): Promise<string> {
  const connection = await RawConnection.open(port);
  void connection.send(bytes);
  return connection.closed();
}

/** The status of every response in what was received. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
}
