import test from 'ava';
import { meter } from './metered.ts';
import { Random, seedOf } from './random.ts';
import { printProgram, randomProgram } from './random-program.ts';
import { ReferenceInterpreter, TooLong } from './reference-interpreter.ts';

const seed = seedOf('MAYFLY_TEST_SEED');
const PROGRAMS = 1_500;
const MAX_FUEL = 200_000;

test(`result and fuel equal those of a reference interpreter (seed ${seed})`, async (t) => {
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  let compared = 0;
  let longest = 0;
  for (let i = 0; i < PROGRAMS; i++) {
    const program = randomProgram(random);
    const argument = random.below(5) - 2;
    const reference = new ReferenceInterpreter(program, MAX_FUEL);
    let result: number;
    try {
      result = reference.call(0, argument);
    } catch (error) {
      if (error instanceof TooLong) continue;
      throw error;
    }
    const wat = printProgram(program);
    const { host, call } = await meter(wat);
    const actual = call('f', argument);
    // Comparing first keeps the text of a passing program out of the assertion.
    if (actual !== result || host.spent !== reference.fuel) {
      t.deepEqual({ result: actual, fuel: host.spent }, { result, fuel: reference.fuel }, wat);
    }
    compared++;
    longest = Math.max(longest, reference.fuel);
  }
  t.true(compared > PROGRAMS / 2, `${compared} compared`);
  t.true(longest > 1_000, `the longest took ${longest}`);
});
