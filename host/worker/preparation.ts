/**
 * Makes functions ready on this thread before anybody calls them: when they were published, and when the thread starts.
 * One at a time, each behind what the thread has to do by then; a function that cannot be made ready is left to its first
 * call, which says why.
 */
import type { LoadedArtifact } from '../instance/artifact.ts';
import type { Slots } from '../instance/slots.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import type { PrepareOrder, ResolvedFunction } from './messages.ts';

export interface PreparationPorts {
  resolve(id: FunctionId): ResolvedFunction | undefined | Promise<ResolvedFunction | undefined>;
  artifact(key: string): LoadedArtifact | Promise<LoadedArtifact>;
  readonly slots: Pick<Slots, 'prepare' | 'retire'>;
  /** Calls back in a later turn of the event loop. */
  readonly later: (callback: () => void) => void;
}

export class Preparation {
  readonly #ports: PreparationPorts;
  readonly #queue: PrepareOrder[] = [];
  #isRunning = false;

  constructor(ports: PreparationPorts) {
    this.#ports = ports;
  }

  /** Slots of other versions of the function are given up. */
  prepare(order: PrepareOrder): void {
    this.#queue.push(order);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#next();
  }

  #next(): void {
    this.#ports.later(() => {
      const order = this.#queue.shift();
      if (order === undefined) {
        this.#isRunning = false;
        return;
      }
      const goOn = (): void => this.#next();
      this.#make(order).then(goOn, goOn);
    });
  }

  async #make({ tenant, name, isRenewal }: PrepareOrder): Promise<void> {
    const { slots } = this.#ports;
    const route = await this.#ports.resolve({ tenant, name });
    const wasReady = slots.retire(tenant, name, route?.live);
    // After an upgrade it may be ten thousand functions, whose slots would push out those that are called.
    if (route === undefined || (isRenewal && !wasReady)) return;
    slots.prepare(route.live, await this.#ports.artifact(route.live.artifactKey));
  }
}
