import test, { type ExecutionContext } from 'ava';
import { SqliteQueues } from '../../host/store/queues/sqlite-queues.ts';
import { seedOf } from '../instrument/random.ts';
import { textOf } from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { SIMULATED, Simulation } from './simulation.ts';
import { VirtualClock } from './virtual-clock.ts';

const SEED = seedOf('TRIGGERS_SEED');
/** Of each engine. */
const RUNS = 5;

async function simulate(t: ExecutionContext, seed: number, simulation: Simulation): Promise<void> {
  t.log(`seed ${seed}`);
  const { sent, dead, left, disorder, reservedBytes, kills, reports } = await simulation.run();
  t.is(left, 0, 'something is stuck');
  t.deepEqual(disorder, []);
  t.is(reservedBytes, 0);
  t.deepEqual(reports, []);
  const deadTexts = new Map(dead.map((letter) => [textOf(letter), letter]));
  const { maximumAttempts } = SIMULATED.retry;
  for (const { text, kind, group, runs, cut, isHandled } of sent) {
    const letter = deadTexts.get(text);
    if (kind === 'good') {
      // Whose attempts were all lost with hosts may be dead without a fault of its own, and says so.
      t.true(isHandled || letter !== undefined, `${text} is lost`);
      if (letter !== undefined) t.not(letter.cause.code, 'item_failed', text);
    } else {
      t.not(letter, undefined, `${text} is poison and neither here nor dead`);
    }
    if (letter !== undefined) t.is(letter.attempts, maximumAttempts, text);
    if (group === undefined)
      t.true(runs <= maximumAttempts + cut, `${text} ran ${runs} times, ${cut} of them cut`);
    if (group === undefined && kind !== 'good') t.true(runs > 0, text);
  }
  t.true(kills > 0);
  t.true(dead.length < sent.length / 2);
}

for (let run = 0; run < RUNS; run++) {
  const seed = SEED + run;
  test(`nothing is lost, out of order or tried too often, whatever fails (lists in memory, run ${run})`, async (t) => {
    const clock = new VirtualClock();
    await using engine = new MemoryEngine(clock);
    await simulate(t, seed, new Simulation(engine, clock, seed));
  });

  test(`nothing is lost, out of order or tried too often, whatever fails (SQLite, run ${run})`, async (t) => {
    const clock = new VirtualClock();
    await using engine = new SqliteQueues({
      path: ':memory:',
      now: () => clock.nowMs(),
      setTimer: (callback, delayMs) => clock.after(delayMs, callback),
    });
    await simulate(t, seed, new Simulation(engine, clock, seed));
  });
}
