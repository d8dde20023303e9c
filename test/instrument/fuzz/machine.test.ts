import test from 'ava';
import { assemble, meter } from '../metered.ts';
import { FuzzHost } from './fuzz-host.ts';
import { Machine } from './machine/machine.ts';
import { readModule } from './machine/module-format.ts';
import { Thrown } from './machine/value.ts';

/**
 * Counted by hand, from docs/fuel.md: name, body of a function with parameter 0, argument, what comes of it, fuel of what
 * is executed, and of the rest of straight code that is left half-way.
 */
const PROGRAMS: readonly (readonly [
  string,
  string,
  number,
  number | 'trap' | 'exception',
  number,
  number?,
])[] = [
  ['instructions in a row', '(i32.add (local.get 0) (i32.const 1))', 4, 5, 3],
  [
    'the branch that is taken',
    '(if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 1))))',
    0,
    2,
    5,
  ],
  [
    'each turn of a loop',
    '(loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0))) (local.get 0)',
    3,
    0,
    3 * 6 + 1,
  ],
  [
    'nothing for dead code',
    '(block (br 0) (drop (i32.mul (i32.const 1) (i32.const 2)))) (i32.const 7)',
    0,
    7,
    2,
  ],
  ['a call and what it executes', '(call $f (local.get 0))', 20, 21, 2 + 3],
  [
    'the rest of straight code that a trap leaves',
    '(drop (i32.div_u (i32.const 1) (local.get 0))) (i32.add (i32.const 1) (i32.const 2))',
    0,
    'trap',
    3,
    3,
  ],
  [
    'nothing behind a branch that a trap does not reach',
    '(drop (i32.div_u (i32.const 1) (local.get 0))) (if (local.get 0) (then (nop) (drop (i32.const 1)))) (i32.const 1)',
    0,
    'trap',
    3,
    2,
  ],
  [
    'the rest of straight code behind a call that throws',
    '(block $h (result i32) (try_table (catch $e $h) (call $throw (local.get 0)) (drop (i32.const 9)) (drop (i32.const 8))) (i32.const 0))',
    6,
    6,
    // local.get and call; local.get and throw. The rest: three constants, which no branch divides from the call.
    2 + 2 + 1_000,
    3,
  ],
  [
    'the rest of an arm behind a call that throws',
    '(if (result i32) (i32.eqz (local.get 0)) (then (i32.const 4)) (else (drop (i32.const 2)) (call $throw (local.get 0)) (i32.const 1)))',
    1,
    'exception',
    3 + 3 + 2 + 1_000,
    1,
  ],
  [
    'the length of a fill, rounded down',
    '(memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (i32.load8_u (i32.const 14))',
    15,
    1,
    4 + 1 + 2,
  ],
  [
    'the length of a fill that traps',
    '(memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (i32.const 14)',
    80_000,
    'trap',
    4 + 10_000,
    1,
  ],
  ['a growth by its pages', '(memory.grow (local.get 0))', 2, 1, 2 + 2_000 + 2 * 8_192],
  ['locals beyond 64', `(local ${'i64 '.repeat(70)}) (local.get 0)`, 1, 1, 6 + 1],
];

const TEXT = (body: string): string => `(module (memory 1 3) (tag $e (param i32))
  (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func $throw (param i32) (throw $e (local.get 0)))
  (func (export "run") (param i32) (result i32) ${body}))`;

test('the reference machine counts what a trap leaves behind the label that straight code leads to', async (t) => {
  const arm = (code: string): string => `(module (func (export "run") (param i32)
    (block (drop (local.get 0)) (if (local.get 0) (then ${code}) (else (br 1))) (drop (i32.const 2)) (br 0))
    (drop (i32.add (i32.const 1) (i32.const 1)))))`;
  const division = '(drop (i32.div_u (i32.const 1) (i32.const 0)))';
  for (const [code, rest] of [
    // To the end of the arm: what is behind the `if`, with its branch.
    [`${division} (drop (i32.const 3))`, 1 + 2],
    // Out of the block around: the branch, and what is behind the block.
    [`${division} (block (nop)) (br 1)`, 1 + 3],
    [`${division} (br_if 1 (local.get 0))`, 2],
  ] as const) {
    const format = readModule(await assemble(arm(code)));
    const machine = new Machine(format, new FuzzHost(format), 1_000_000);
    t.is(
      outcomeOf(() => machine.call(format.exports[0]!.index, [1])),
      'trap',
    );
    t.is(machine.rest, rest, code);
  }
});

function outcomeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof Thrown || error instanceof WebAssembly.Exception) return 'exception';
    if (error instanceof WebAssembly.RuntimeError) return 'trap';
    throw error;
  }
}

for (const [what, body, argument, expected, fuel, rest = 0] of PROGRAMS) {
  test(`the reference machine counts ${what}`, async (t) => {
    const format = readModule(await assemble(TEXT(body)));
    const machine = new Machine(format, new FuzzHost(format), 1_000_000);
    const outcome = outcomeOf(() => machine.call(format.exports[0]!.index, [argument])[0]);
    t.is(outcome, expected);
    t.is(machine.fuel, fuel);
    t.is(machine.rest, rest);
  });

  test(`a metered module counts ${what}`, async (t) => {
    const { host, call } = await meter(TEXT(body));
    const outcome = outcomeOf(() => call('run', argument));
    t.is(outcome, expected);
    // The local counter of code that traps is lost: all that these small programs took.
    const least = expected === 'trap' ? 0 : fuel;
    t.true(host.spent >= least && host.spent <= fuel + rest, `${host.spent}`);
  });
}
