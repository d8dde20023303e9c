/** Keeps the connection ledger of a serving thread: which connection waits for an answer of which nothing is out. */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { descriptorOf } from '../descriptor-of.ts';
import type { ConnectionLedger } from '../worker/connection-ledger.ts';

interface Owed {
  readonly at: number;
  /** The last response on the connection. */
  response: ServerResponse | undefined;
}

/** A response that says when its head goes out; whoever writes one, Node included, comes through `writeHead`. */
export class RecordedResponse extends ServerResponse {
  onHead: (() => void) | undefined = undefined;

  override writeHead(...head: [statusCode: number]): this {
    this.onHead?.();
    return super.writeHead(...head);
  }
}

/** @param server whose responses are {@link RecordedResponse}s */
export function recordOwedAnswers(server: Server, ledger: ConnectionLedger): void {
  const owed = new Map<Socket, Owed>();
  server.on('connection', (socket: Socket) => {
    const fd = descriptorOf(socket);
    const at = fd === undefined ? undefined : ledger.open(fd);
    if (at === undefined) return;
    owed.set(socket, { at, response: undefined });
    socket.once('close', () => {
      owed.delete(socket);
      ledger.close(at);
    });
  });
  // Before the request is served: its guest may begin in this turn, and end the thread.
  server.prependListener('request', (incoming: IncomingMessage, response: RecordedResponse) => {
    const entry = owed.get(incoming.socket);
    if (entry === undefined) return;
    const before = entry.response;
    entry.response = response;
    // In a pipeline, behind an answer of which some may be out already.
    if (before !== undefined && !before.closed) return;
    ledger.owe(entry.at);
    response.onHead = () => ledger.settle(entry.at);
  });
}
