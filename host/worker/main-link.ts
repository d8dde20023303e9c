import type { MessagePort } from 'node:worker_threads';
import { fromErrorMessage } from '../errors/errors.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { InvocationId } from '../model/ids.ts';
import type {
  FromWorker,
  HostServices,
  PrepareOrder,
  ReturnedOutcome,
  ServiceName,
  ToWorker,
} from './messages.ts';
import { type ThreadEvent, unpackEvents } from './packed-events.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((value: never) => void) | undefined;
}

/** What the main thread says unasked. */
export interface Notices {
  onDrain(timeoutMs: number): void;
  onPrepare(order: PrepareOrder): void;
  /** Never rejects. */
  onDeliver(invocation: EventInvocation, invocationId: InvocationId): Promise<EventOutcome>;
}

/** A serving thread's line to the main thread: calls with answers, and notices both ways. */
export class MainLink {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Those of one turn go together. */
  #outcomes: ReturnedOutcome[] = [];

  constructor(port: MessagePort, notices: Notices) {
    this.#port = port;
    port.on('message', (message: ToWorker) => {
      switch (message.kind) {
        case 'serve':
          break; // was heard before this line was made
        case 'answer':
          this.#take(message.id)?.resolve(message.value as never);
          break;
        case 'refusal':
          this.#take(message.id)?.reject(fromErrorMessage(message.error));
          break;
        case 'progress':
          this.#pending.get(message.id)?.onProgress?.(message.value as never);
          break;
        case 'drain':
          notices.onDrain(message.timeoutMs);
          break;
        case 'prepare':
          notices.onPrepare(message);
          break;
        case 'deliver':
          for (const event of message.parcels.flatMap(unpackEvents)) void this.#deliver(event, notices);
          break;
      }
    });
  }

  /** Rejects with the MayflyError that the main thread answered with. */
  call<S extends ServiceName>(
    service: S,
    request: Parameters<HostServices[S]>[0],
    onProgress?: (value: never) => void,
  ): ReturnType<HostServices[S]> {
    const id = this.#nextId++;
    this.notify({ kind: 'call', id, service, request, isFollowed: onProgress !== undefined });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress });
    }) as ReturnType<HostServices[S]>;
  }

  /** @param moved memory of the message that need not be copied: it is gone here then */
  notify(message: FromWorker, moved: ArrayBuffer[] = []): void {
    // After the last notice (`drained`) nothing would be heard.
    this.#returnOutcomes();
    this.#port.postMessage(message, moved);
  }

  async #deliver({ id, invocation }: ThreadEvent, { onDeliver }: Notices): Promise<void> {
    const outcome = await onDeliver(invocation, id);
    if (this.#outcomes.length === 0) setImmediate(() => this.#returnOutcomes());
    this.#outcomes.push({ id, outcome });
  }

  #returnOutcomes(): void {
    const outcomes = this.#outcomes;
    if (outcomes.length === 0) return;
    this.#outcomes = [];
    this.#port.postMessage({ kind: 'delivered', outcomes } satisfies FromWorker);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
