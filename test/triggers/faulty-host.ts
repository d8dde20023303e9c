/**
 * A host as the simulation has it: a consumer whose store fails now and then, before or after it has done what it was asked, and which can be killed at
 * any point: nothing that it had begun goes on, no timer of it fires.
 */
import { MayflyError } from '../../host/errors/errors.ts';
import type { EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import type { QueueEngine } from '../../host/store/queues/queue-engine.ts';
import { BatchBudget } from '../../host/triggers/batch-budget.ts';
import { Consumer, type ConsumerSettings } from '../../host/triggers/consumer.ts';
import type { MessageSource, TriggerClock } from '../../host/triggers/ports.ts';
import { queueSource } from '../../host/triggers/queue-source.ts';
import type { Random } from '../instrument/random.ts';
import { FUNCTION, QUEUE, TENANT } from './consumer-fixture.ts';

export interface FaultyHostOptions {
  readonly engine: QueueEngine;
  readonly clock: TriggerClock;
  readonly random: Random;
  readonly settings: ConsumerSettings;
  readonly deliver: (invocation: EventInvocation, host: FaultyHost) => Promise<EventOutcome>;
  /** One in so many operations fails; never while it is 0. */
  readonly faults: { oneIn: number };
  readonly report: (message: string, error?: unknown) => void;
}

export class FaultyHost {
  readonly #options: FaultyHostOptions;
  readonly #cancels = new Set<() => void>();
  readonly budget = new BatchBudget({ totalBytes: 64 * 1024 * 1024, tenantBytes: 64 * 1024 * 1024 });
  readonly consumer: Consumer;
  isAlive = true;
  /** What its functions are doing, for whoever has them do it. */
  readonly running = new Set<ReadonlySet<unknown>>();
  /** Operations of the store that have not answered. */
  pending = 0;

  constructor(options: FaultyHostOptions) {
    this.#options = options;
    const { random, settings, report } = options;
    this.consumer = new Consumer(
      {
        source: this.#source(),
        deliver: async (invocation) => await this.whileAlive(options.deliver(invocation, this)),
        destinations: { send: async () => undefined },
        clock: { nowMs: () => options.clock.nowMs(), after: (delayMs, run) => this.after(delayMs, run) },
        random: () => random.below(1_000) / 1_000,
        report,
        budget: this.budget,
      },
      { tenant: TENANT, generation: 1, name: FUNCTION, source: 'orders' },
      settings,
    );
  }

  kill(): void {
    this.isAlive = false;
    for (const cancel of this.#cancels) cancel();
  }

  after(delayMs: number, run: () => void): () => void {
    if (!this.isAlive) return () => {};
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      run();
    });
    this.#cancels.add(cancel);
    return () => {
      this.#cancels.delete(cancel);
      cancel();
    };
  }

  /** Settles only while the host is alive. */
  whileAlive<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.isAlive && resolve(value),
        (error: unknown) => this.isAlive && reject(error),
      );
    });
  }

  #source(): MessageSource {
    const real = queueSource(this.#options.engine, QUEUE);
    return {
      claim: (options) => this.#ask(() => real.claim(options)),
      extend: (claim, visibilityMs) => this.#ask(() => real.extend(claim, visibilityMs)),
      settle: (claim, settlements) => this.#ask(() => real.settle(claim, settlements)),
      readyCount: () => this.#ask(() => real.readyCount()),
      onWork: (listener) => real.onWork(() => this.isAlive && listener()),
    };
  }

  #ask<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.isAlive) return new Promise(() => {});
    this.pending++;
    const answer = this.#askFaulty(operation).finally(() => this.pending--);
    return this.whileAlive(answer);
  }

  async #askFaulty<T>(operation: () => Promise<T>): Promise<T> {
    const { faults, random } = this.#options;
    const fault =
      faults.oneIn === 0 || random.below(faults.oneIn) > 0 ? undefined : random.pick(['before', 'after']);
    if (fault === 'before') throw new MayflyError('queue_unavailable', 'away');
    const answer = await operation();
    if (fault === 'after') throw new MayflyError('queue_unavailable', 'the answer was lost');
    return answer;
  }
}
