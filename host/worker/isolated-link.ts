import { fromErrorMessage } from '../errors/errors.ts';
import type { FunctionName } from '../model/ids.ts';
import type { FromIsolated, IsolatedFunction, IsolatedProcessData, ToIsolated } from './isolated-messages.ts';
import type { PrepareOrder } from './messages.ts';

/** What the host says unasked. */
export interface IsolatedNotices {
  onStart(data: IsolatedProcessData): void;
  onPrepare(order: PrepareOrder): void;
  onFinish(): void;
}

interface Pending {
  readonly resolve: (route: IsolatedFunction | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** An isolated tenant's process' line to the host. What it has used it tells once per turn of the event loop. */
export class IsolatedLink {
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #fuel = 0;
  #outboundBytes = 0;
  #isDue = false;

  constructor(notices: IsolatedNotices) {
    process.on('message', (message: ToIsolated) => {
      switch (message.kind) {
        case 'start':
          notices.onStart(message.data);
          break;
        case 'prepare':
          notices.onPrepare(message);
          break;
        case 'finish':
          notices.onFinish();
          break;
        case 'ping':
          this.notify({ kind: 'alive' });
          break;
        case 'resolved':
          this.#take(message.id)?.resolve(message.route);
          break;
        case 'refusal':
          this.#take(message.id)?.reject(fromErrorMessage(message.error));
          break;
      }
    });
  }

  resolve(name: FunctionName): Promise<IsolatedFunction | undefined> {
    const id = this.#nextId++;
    this.notify({ kind: 'resolve', id, name });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
  }

  spend(fuel: number, outboundBytes: number): void {
    this.#fuel += fuel;
    this.#outboundBytes += outboundBytes;
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.notify({ kind: 'spent', fuel: this.#fuel, outboundBytes: this.#outboundBytes });
      [this.#fuel, this.#outboundBytes] = [0, 0];
    });
  }

  notify(message: FromIsolated): void {
    // Without the host there is nobody to tell, and this process ends (see isolated-process.ts).
    process.send?.(message, () => {});
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}
