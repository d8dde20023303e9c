/** What initialisation takes counts for every invocation, in a slot as in an instance of its own, up to the caps. */
import test from 'ava';
import type { FunctionConfiguration } from '../../../host/model/function-configuration.ts';
import { type Ending, endBy, messengerGuest, RETURN, SETTINGS } from './messenger.ts';
import { Serving } from './serving.ts';

const MiB = 2 ** 20;

interface Case {
  readonly name: string;
  /** Code at the end of the start function. */
  readonly start: string;
  readonly settings: Partial<FunctionConfiguration>;
  readonly ending?: Ending;
  readonly failure?: string;
  /** Whether slots serve it. */
  readonly hasSlots: boolean;
}

const GROW = '(drop (call $small-grow (i32.const 8)))';

const CASES: readonly Case[] = [
  { name: 'growth', start: GROW, settings: {}, hasSlots: true },
  {
    name: 'growth that the settings refuse it',
    start: GROW,
    settings: { memoryBytes: MiB - 2 * 65_536 },
    ending: { how: 't' },
    failure: 'memory_exceeded',
    hasSlots: false,
  },
  {
    name: 'growth that its memory refuses it, which is given back to the account',
    start: '(drop (call $small-grow (i32.const 100)))',
    settings: { memoryBytes: 64 * MiB },
    hasSlots: true,
  },
  {
    name: 'growth beyond what any function may have',
    start: '(drop (call $small-grow (i32.const 65535)))',
    settings: {},
    ending: { how: 't' },
    failure: 'memory_exceeded',
    hasSlots: false,
  },
  {
    name: 'table entries that the settings refuse it',
    start: '(drop (table.grow $functions (ref.null func) (i32.const 4)))',
    settings: { tableEntries: 10 },
    ending: { how: 't' },
    failure: 'table_exceeded',
    hasSlots: false,
  },
  {
    name: 'more fuel than the settings give it',
    start:
      '(local.set $n (i32.const 500000)) (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))',
    settings: { fuel: 1_500_000 },
    failure: 'fuel_exhausted',
    hasSlots: false,
  },
];

for (const { name, start, settings, ending, failure, hasSlots } of CASES) {
  test(name, async (t) => {
    const guest = await messengerGuest([';; START', start]);
    const configuration = { ...SETTINGS, ...settings };
    using fresh = new Serving(guest, { road: 'fresh', trigger: 'event', configuration });
    using serving = new Serving(guest, { trigger: 'event', configuration });
    const first = await endBy(fresh, ending ?? RETURN);
    t.is(first.failure as string | undefined, failure);
    for (let i = 0; i < 4; i++) t.deepEqual(await endBy(serving, ending ?? RETURN), first, `${i} before`);
    t.deepEqual(serving.differences, []);
    t.is(serving.taken, hasSlots ? 4 : 0);
  });
}
