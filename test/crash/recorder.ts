/**
 * Writes down what functions say they have handled: a server of the test itself, so that what it knows survives every host, and no host can
 * say anything in a guest's place.
 *
 * 1. What is recorded is what a guest has sent, whole: a body that breaks off with its host is none.
 * 2. A request belongs to the host in whose life it was sent: a life is over ({@link endLife}) when all of its connections are.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A batch that a guest has handled. */
export interface Handled {
  /** Of which host, counted from 0. */
  readonly life: number;
  readonly messages: readonly HandledMessage[];
}

export interface HandledMessage {
  readonly id: string;
  /** The message's body. */
  readonly text: string;
}

interface Waiting {
  readonly count: number;
  readonly resolve: () => void;
}

export class Recorder implements AsyncDisposable {
  readonly batches: Handled[] = [];
  readonly #ids = new Set<string>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<Waiting>();
  #life = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#record(request).then(
        () => void response.writeHead(204).end(),
        () => void response.destroy(),
      );
    });
    // A pause of the machine must not look like a lost request.
    this.#server.keepAliveTimeout = 600_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => void this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  /** `127.0.0.1:1234` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Messages, each counted once. */
  get count(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Resolves when so many messages are recorded. */
  reached(count: number): Promise<void> {
    if (this.count >= count) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.add({ count, resolve }));
  }

  /** Once the process of the host is gone: what it still had sent is read, then the next life begins. */
  async endLife(): Promise<void> {
    // Connections are accepted in their order: behind this one there is none of the dead host.
    const fence = connect(Number(this.host.split(':')[1]), '127.0.0.1');
    const [[accepted]] = (await Promise.all([once(this.#server, 'connection'), once(fence, 'connect')])) as [
      [Socket],
      unknown,
    ];
    const others = [...this.#sockets].filter((socket) => socket !== accepted);
    await Promise.all(others.map((socket) => (socket.closed ? undefined : once(socket, 'close'))));
    fence.destroy();
    this.#life++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #record(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const messages = Buffer.concat(chunks)
      .toString()
      .split('\n')
      .map((line) => {
        const space = line.indexOf(' ');
        return { id: line.slice(0, space), text: line.slice(space + 1) };
      });
    this.batches.push({ life: this.#life, messages });
    for (const { id } of messages) this.#ids.add(id);
    for (const waiting of this.#waiting) {
      if (waiting.count > this.count) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}
