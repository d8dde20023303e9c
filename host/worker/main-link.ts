import type { MessagePort } from 'node:worker_threads';
import { fromErrorMessage } from '../errors.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import type { FromWorker, HostServices, ServiceName, ToWorker } from './messages.ts';
import { unpackInvocation } from './packed-invocation.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** What the main thread says unasked. */
export interface Notices {
  onDrain(timeoutMs: number): void;
  onPrepare(id: FunctionId): void;
  /** Never rejects. */
  onDeliver(invocation: EventInvocation): Promise<EventOutcome>;
}

/** A serving thread's line to the main thread: calls with answers, and notices both ways. */
export class MainLink {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(port: MessagePort, notices: Notices) {
    this.#port = port;
    port.on('message', (message: ToWorker) => {
      switch (message.kind) {
        case 'answer':
          this.#take(message.id)?.resolve(message.value as never);
          break;
        case 'refusal':
          this.#take(message.id)?.reject(fromErrorMessage(message.error));
          break;
        case 'drain':
          notices.onDrain(message.timeoutMs);
          break;
        case 'prepare':
          notices.onPrepare(message);
          break;
        case 'deliver':
          void this.#deliver(message, notices);
          break;
      }
    });
  }

  /** Rejects with the MayflyError that the main thread answered with. */
  call<S extends ServiceName>(
    service: S,
    request: Parameters<HostServices[S]>[0],
  ): ReturnType<HostServices[S]> {
    const id = this.#nextId++;
    this.notify({ kind: 'call', id, service, request });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    }) as ReturnType<HostServices[S]>;
  }

  notify(message: FromWorker): void {
    this.#port.postMessage(message);
  }

  async #deliver(
    { id, packed }: Extract<ToWorker, { kind: 'deliver' }>,
    { onDeliver }: Notices,
  ): Promise<void> {
    this.notify({ kind: 'delivered', id, outcome: await onDeliver(unpackInvocation(packed)) });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
