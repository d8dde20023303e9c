import test from 'ava';
import { Stages } from '../../host/front-door/stages.ts';

/** An event loop whose turns are taken by hand. */
class Loop {
  readonly #coming: (() => void)[] = [];
  nowMs = 0;
  isComputing = false;
  readonly stages: Stages = new Stages({
    nextTurn: (callback) => void this.#coming.push(callback),
    nowMs: () => this.nowMs,
    isComputing: () => this.isComputing,
  });

  /** What was asked for until now, one after the other, each with all that follows from it. */
  async turn(): Promise<void> {
    for (const callback of this.#coming.splice(0)) {
      callback();
      await settled();
    }
  }
}

/** Everything that waits for nothing else. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('those that came in one turn begin in the next, each when the one before it has done what it can', async (t) => {
  const loop = new Loop();
  const done: string[] = [];
  const serve = async (name: string): Promise<void> => {
    await loop.stages.toBegin();
    done.push(`${name} begins`);
    await Promise.resolve();
    done.push(`${name} has run`);
  };
  void serve('a');
  void serve('b');
  await settled();
  t.deepEqual(done, []);
  await loop.turn();
  t.deepEqual(done, ['a begins', 'a has run', 'b begins', 'b has run']);
});

test('answers that become ready in one turn are written in the next, in their order', async (t) => {
  const loop = new Loop();
  const written: string[] = [];
  const answer = (name: string): Promise<void> => loop.stages.toAnswer().then(() => void written.push(name));
  void answer('a');
  await settled();
  void answer('b');
  await settled();
  t.deepEqual(written, []);
  await loop.turn();
  t.deepEqual(written, ['a', 'b']);
});

test('once the first answer has waited for half a slice, all are written when another is ready', async (t) => {
  const loop = new Loop();
  const written: string[] = [];
  const answer = (name: string): Promise<void> => loop.stages.toAnswer().then(() => void written.push(name));
  void answer('a');
  loop.nowMs = 0.4;
  void answer('b');
  await settled();
  t.deepEqual(written, []);
  loop.nowMs = 0.5;
  void answer('c');
  await settled();
  t.deepEqual(written, ['a', 'b', 'c']);
  // Who comes later waits for a batch of its own.
  void answer('d');
  await settled();
  t.deepEqual(written, ['a', 'b', 'c']);
  await loop.turn();
  t.deepEqual(written, ['a', 'b', 'c', 'd']);
});

test('an answer that has waited for half a slice is written before another guest begins', async (t) => {
  const loop = new Loop();
  const done: string[] = [];
  const serve = async (name: string, runsMs: number): Promise<void> => {
    await loop.stages.toBegin();
    done.push(`${name} begins`);
    loop.nowMs += runsMs;
    await loop.stages.toAnswer();
    done.push(`${name} is answered`);
  };
  const long = async (): Promise<void> => {
    await loop.stages.toBegin();
    done.push('a long one begins');
    loop.nowMs += 1;
  };
  void serve('a', 0.1);
  void long();
  void serve('b', 0.1);
  void long();
  await loop.turn();
  t.deepEqual(done, ['a begins', 'a long one begins', 'a is answered', 'b begins', 'a long one begins']);
  await loop.turn();
  t.is(done.at(-1), 'b is answered');
});

test('while guests compute nobody waits for a turn, and what waited goes first', async (t) => {
  const loop = new Loop();
  const done: string[] = [];
  const answer = (name: string): Promise<void> => loop.stages.toAnswer().then(() => void done.push(name));
  void answer('a');
  await settled();
  t.deepEqual(done, []);
  loop.isComputing = true;
  await loop.stages.toBegin();
  void answer('b');
  await settled();
  t.deepEqual(done, ['a', 'b']);
  t.false(loop.stages.isHolding);
});
