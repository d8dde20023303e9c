/**
 * Two hosts work off one queue while everything fails that can: the store, before and after it has obeyed; functions, by item and as a whole;
 * quotas, threads that never answer, hosts that are killed. Then all is well for long enough, and what came of it is compared with what was sent.
 */
import type { EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import { defaultQueueSettings } from '../../host/model/queue.ts';
import type { DeadLetter } from '../../host/model/queue-message.ts';
import type { QueueEngine } from '../../host/store/queues/queue-engine.ts';
import type { ConsumerSettings } from '../../host/triggers/consumer.ts';
import { Random } from '../instrument/random.ts';
import { failed, idsOf, newMessage, QUEUE, refused, returned, SETTINGS, textOf } from './consumer-fixture.ts';
import { FaultyHost } from './faulty-host.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What is wrong with a message: nothing, its item always fails, or all that it runs with traps. */
type Kind = 'good' | 'item' | 'trap';

interface Sent {
  readonly text: string;
  readonly kind: Kind;
  readonly group: string | undefined;
  /** Runs of it that began. */
  runs: number;
  /** Of these, such that a host that was stopped did not wait for: they are no attempts. */
  cut: number;
  isHandled: boolean;
}

export interface SimulationResult {
  readonly sent: readonly Sent[];
  readonly dead: readonly DeadLetter[];
  readonly left: number;
  /** Violations of the order, as they were seen. */
  readonly disorder: readonly string[];
  readonly reservedBytes: number;
  readonly kills: number;
  readonly reports: readonly string[];
}

const MESSAGES = 200;
const GROUPS = ['a', 'b', 'c', undefined, undefined];
const MINUTE_MS = 60_000;

export const SIMULATED: ConsumerSettings = {
  ...SETTINGS,
  batchSize: 8,
  maximumConcurrency: 4,
  bisectBatchOnError: true,
  timeoutMs: 5_000,
  retry: {
    maximumAttempts: 12,
    maximumAgeMs: 10 * 24 * 60 * MINUTE_MS,
    baseMs: 500,
    maximumMs: 10_000,
    jitter: 'equal',
  },
};

export class Simulation {
  readonly #engine: QueueEngine;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #sent = new Map<string, Sent>();
  readonly #faults = { oneIn: 6 };
  readonly #disorder: string[] = [];
  readonly #reports: string[] = [];
  readonly #hosts: FaultyHost[] = [];
  #kills = 0;

  constructor(engine: QueueEngine, clock: VirtualClock, seed: number) {
    this.#engine = engine;
    this.#clock = clock;
    this.#random = new Random(seed);
    clock.isBusy = () => this.#hosts.some(({ pending }) => pending > 0);
  }

  async run(): Promise<SimulationResult> {
    this.#hosts.push(this.#start(), this.#start());
    while (this.#sent.size < MESSAGES) {
      await this.#send(1 + this.#random.below(10));
      await this.#clock.pass(this.#random.below(4_000));
      if (this.#random.below(3) === 0) this.#replace(this.#random.below(2));
    }
    this.#faults.oneIn = 0;
    await this.#clock.pass(60 * MINUTE_MS);
    const { ready, delayed, inFlight } = await this.#engine.counts(QUEUE);
    const { messages } = await this.#engine.peek(QUEUE, 'dead', { limit: 1_000 });
    const alive = this.#hosts.filter(({ isAlive }) => isAlive);
    return {
      sent: [...this.#sent.values()],
      dead: messages as readonly DeadLetter[],
      left: ready + delayed + inFlight,
      disorder: this.#disorder,
      reservedBytes: alive.reduce((sum, { budget }) => sum + budget.reservedBytes, 0),
      kills: this.#kills,
      reports: this.#reports,
    };
  }

  #start(): FaultyHost {
    const host = new FaultyHost({
      engine: this.#engine,
      clock: this.#clock,
      random: this.#random,
      settings: SIMULATED,
      faults: this.#faults,
      deliver: (invocation, by) => this.#deliver(invocation, by),
      report: (message, error) => this.#reports.push(`${message}: ${error}`),
    });
    host.consumer.start();
    return host;
  }

  /** Killed, or asked to stop as a deployment does. */
  #replace(index: number): void {
    const host = this.#hosts[index]!;
    if (this.#random.below(3) === 0) {
      void host.consumer.drain(1_000);
      host.after(1_000, () => {
        for (const run of host.running) for (const one of run as Set<Sent>) one.cut++;
      });
    } else {
      this.#kills++;
      host.kill();
    }
    // The old one keeps its place among those that time waits for.
    this.#hosts.push(host);
    this.#hosts[index] = this.#start();
  }

  async #send(count: number): Promise<void> {
    const fresh: Sent[] = [];
    for (let more = 0; more < count; more++) {
      const group = this.#random.pick(GROUPS);
      const kind = this.#random.pick<Kind>([
        'good',
        'good',
        'good',
        'good',
        'good',
        'good',
        'good',
        'item',
        'trap',
      ]);
      const text = `${group ?? '-'}${this.#sent.size}`;
      const one = { text, kind, group, runs: 0, cut: 0, isHandled: false };
      this.#sent.set(text, one);
      fresh.push(one);
    }
    const messages = fresh.map(({ text, group }) =>
      newMessage(text, group === undefined ? {} : { groupKey: group }),
    );
    const pending = this.#engine.send(QUEUE, defaultQueueSettings(), messages);
    await pending;
  }

  async #deliver(invocation: EventInvocation, host: FaultyHost): Promise<EventOutcome> {
    const isCalm = this.#faults.oneIn === 0;
    const chance = isCalm ? 99 : this.#random.below(100);
    if (chance < 10) return refused(this.#random.below(3_000));
    const { delivery } = invocation;
    const texts = (delivery.kind === 'batch' ? delivery.messages : [delivery.message]).map(textOf);
    const run = texts.map((text) => this.#sent.get(text)!);
    for (const one of run) one.runs++;
    const running = new Set(run);
    host.running.add(running);
    // A thread that never answers: the consumer gives it up.
    if (chance < 13) return await new Promise<EventOutcome>(() => {});
    await new Promise<void>((resolve) => host.after(this.#random.below(isCalm ? 100 : 5_000), resolve));
    host.running.delete(running);
    if (chance < 20 || run.some(({ kind }) => kind === 'trap')) return failed();
    return returned(idsOf(invocation, this.#handle(run)));
  }

  /** As a function for ordered queues does: of a group, nothing behind the first that fails. */
  #handle(run: readonly Sent[]): string[] {
    const failures: string[] = [];
    const stopped = new Set<string>();
    for (const [at, one] of run.entries()) {
      const { text, kind, group } = one;
      if (kind === 'item' || (group !== undefined && stopped.has(group))) {
        failures.push(text);
        if (group !== undefined) stopped.add(group);
        continue;
      }
      if (group !== undefined) this.#checkOrder(one, run.slice(0, at));
      one.isHandled = true;
    }
    return failures;
  }

  /** What was sent before it in its group has been handled, or can never be. */
  #checkOrder({ text, group }: Sent, before: readonly Sent[]): void {
    for (const other of this.#sent.values()) {
      if (other.text === text) return;
      if (other.group !== group || other.isHandled || other.kind !== 'good' || before.includes(other))
        continue;
      this.#disorder.push(`${text} was handled before ${other.text}`);
    }
  }
}
