import test from 'ava';
import { meter } from './metered.ts';
import { FIXED_SEED, Random, seedOf } from './random.ts';
import { type Program, printProgram, randomProgram } from './random-program.ts';
import { ReferenceInterpreter, TooLong } from './reference-interpreter.ts';

const seed = seedOf('MAYFLY_TEST_SEED');
const PROGRAMS = 1_500;
const MAX_FUEL = 200_000;

interface Case {
  readonly program: Program;
  readonly argument: number;
  readonly result: number;
  readonly fuel: number;
}

/** The cases of a seed, walked by the reference; not those that take too long. */
function* casesOf(seed: number): Generator<Case> {
  const random = new Random(seed);
  for (let i = 0; i < PROGRAMS; i++) {
    const program = randomProgram(random);
    const argument = random.below(5) - 2;
    const reference = new ReferenceInterpreter(program, MAX_FUEL);
    try {
      const result = reference.call(0, argument);
      yield { program, argument, result, fuel: reference.fuel };
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
    }
  }
}

test(`result and fuel equal those of a reference interpreter (seed ${seed})`, async (t) => {
  t.log(`seed ${seed}`);
  for (const { program, argument, result, fuel } of casesOf(seed)) {
    const wat = printProgram(program);
    const { host, call } = await meter(wat);
    const actual = call('f', argument);
    // Comparing first keeps the text of a passing program out of the assertion.
    if (actual !== result || host.spent !== fuel) {
      t.deepEqual({ result: actual, fuel: host.spent }, { result, fuel }, wat);
    }
  }
  t.pass();
});

test('nearly all random programs are short enough to be compared, and some go round in their loops', (t) => {
  const fuels = Array.from(casesOf(FIXED_SEED), ({ fuel }) => fuel);
  t.true(fuels.length > PROGRAMS / 2, `${fuels.length} compared`);
  t.true(Math.max(...fuels) > 1_000, `the longest took ${Math.max(...fuels)}`);
});
