import { randomInt } from 'node:crypto';
import type { NewMessage } from '../../../../host/model/queue-message.ts';
import type { Claim, Settlement } from '../../../../host/store/queues/queue-engine.ts';
import {
  claim,
  claims,
  countsOf,
  type EngineHarness,
  type MakeHarness,
  orders,
  settings,
  type Test,
  textMessage,
} from './harness.ts';
import { QueueModel } from './model.ts';

const MAX_CLAIMS = 4;
const GROUPS = ['red', 'green', 'blue', undefined, undefined];

/** mulberry32: small, seeded, good enough to pick operations. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** Several consumers at a queue, in an order that a seed gives, each answer held against the model. */
class Interleaving {
  readonly #harness: EngineHarness;
  readonly #pick: (below: number) => number;
  readonly #model = new QueueModel();
  readonly #claims: Claim[] = [];
  #sent = 0;

  constructor(harness: EngineHarness, pick: (below: number) => number) {
    this.#harness = harness;
    this.#pick = pick;
  }

  /** What was done, and what is wrong with it. */
  async step(): Promise<[string, string[]]> {
    const operation = this.#pick(20);
    if (operation < 5) return ['send', await this.#send()];
    if (operation < 11) return ['claim', await this.claim()];
    if (operation < 17) return ['settle', await this.#settle()];
    if (operation < 18) return ['extend', await this.#extend()];
    if (operation < 19) return ['counts', await this.counts()];
    await this.#harness.advance(this.#harness.stepMs * (1 + this.#pick(4)));
    return ['advance', []];
  }

  async counts(): Promise<string[]> {
    const [actual, fromMs, toMs] = await this.#timed(() => countsOf(this.#engine));
    const expected = this.#model.counts(fromMs, toMs);
    return expected === undefined || `${expected}` === `${actual}`
      ? []
      : [`counts are ${actual}, should be ${expected}`];
  }

  async claim(): Promise<string[]> {
    const options = {
      maxMessages: 1 + this.#pick(4),
      maxClaims: MAX_CLAIMS,
      visibilityMs: this.#harness.stepMs * (1 + this.#pick(6)),
      claims: 1 + this.#pick(3),
    };
    const [claimed, fromMs, toMs] = await this.#timed(() => claims(this.#engine, options));
    this.#claims.push(...claimed);
    if (claimed.length === 0) return this.#model.claimed(undefined, MAX_CLAIMS, fromMs, toMs);
    return claimed.flatMap((each) => this.#model.claimed(each, MAX_CLAIMS, fromMs, toMs));
  }

  /** Waits for all leases to expire and takes everything out. */
  async drain(): Promise<string[]> {
    const { engine, advance, stepMs } = this.#harness;
    await advance(50 * stepMs);
    const complaints: string[] = [];
    for (;;) {
      const [claimed, fromMs, toMs] = await this.#timed(() => claim(engine, { maxMessages: 3 }));
      complaints.push(...this.#model.claimed(claimed, MAX_CLAIMS, fromMs, toMs));
      if (claimed === undefined) break;
      const settlements = claimed.messages.map(({ id }) => ({ id, kind: 'done' }) as const);
      const [answer, sinceMs, untilMs] = await this.#timed(() => engine.settle(claimed, settlements));
      complaints.push(...this.#model.settled(claimed, settlements, answer, sinceMs, untilMs));
    }
    const [ready, delayed, inFlight] = await countsOf(engine);
    if (ready !== 0 || delayed !== 0 || inFlight !== 0) complaints.push('something is stuck');
    return [...complaints, ...(await this.counts())];
  }

  get #engine() {
    const { engine, other = engine } = this.#harness;
    return this.#pick(2) === 0 ? engine : other;
  }

  async #send(): Promise<string[]> {
    const { now, stepMs } = this.#harness;
    const messages = Array.from({ length: 1 + this.#pick(5) }, (): NewMessage => {
      const groupKey = GROUPS[this.#pick(GROUPS.length)];
      return textMessage(`m${this.#sent++}`, {
        ...(this.#pick(5) === 0 ? { deliverAtMs: now() + this.#pick(6) * stepMs } : {}),
        ...(groupKey === undefined ? {} : { groupKey }),
      });
    });
    const sent = await this.#engine.send(orders, settings, messages);
    for (const [index, { id }] of sent.entries()) this.#model.send(id, messages[index]!);
    return sent.length === messages.length ? [] : ['an answer for each message'];
  }

  async #settle(): Promise<string[]> {
    const claimed = this.#claims[this.#pick(this.#claims.length)];
    if (claimed === undefined) return [];
    const settlements = claimed.messages
      .filter(() => this.#pick(5) > 0)
      .map(({ id }): Settlement => {
        const atMs = this.#harness.now() + (this.#pick(5) - 1) * this.#harness.stepMs;
        const kind = this.#pick(10);
        if (kind < 5) return { id, kind: 'done' };
        if (kind < 8) return { id, kind: 'retry', atMs, cause: { code: `c${this.#pick(3)}`, detail: '' } };
        if (kind < 9) return { id, kind: 'release', atMs };
        return { id, kind: 'dead', cause: { code: 'item_failed', detail: '' } };
      });
    const [answer, fromMs, toMs] = await this.#timed(() => this.#engine.settle(claimed, settlements));
    return this.#model.settled(claimed, settlements, answer, fromMs, toMs);
  }

  async #extend(): Promise<string[]> {
    const claimed = this.#claims[this.#pick(this.#claims.length)];
    if (claimed === undefined) return [];
    const visibilityMs = this.#harness.stepMs * (1 + this.#pick(6));
    const [answer, fromMs, toMs] = await this.#timed(() => this.#engine.extend(claimed, visibilityMs));
    return this.#model.extended(claimed, answer, toMs + visibilityMs, fromMs, toMs);
  }

  async #timed<T>(work: () => Promise<T>): Promise<[T, number, number]> {
    const fromMs = this.#harness.now();
    const result = await work();
    return [result, fromMs, this.#harness.now()];
  }
}

/** The order that is promised, under whatever happens at the same time. */
export function interleavingTests(test: Test, make: MakeHarness): void {
  test('random interleavings of senders and consumers are what a simple model allows', async (t) => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    t.log(`SEED=${seed}`);
    t.timeout(110_000);
    await using harness = await make();
    const interleaving = new Interleaving(harness, randomFrom(seed));
    for (let step = 0; step < harness.operations; step++) {
      const [operation, complaints] = await interleaving.step();
      if (complaints.length > 0) return t.fail(`SEED=${seed}, step ${step}, ${operation}: ${complaints[0]}`);
    }
    t.deepEqual(await interleaving.drain(), [], `SEED=${seed}`);
  });
}
