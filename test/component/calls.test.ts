import { readFile } from 'node:fs/promises';
import test from 'ava';
import { type BothRoads, bothRoads, type Imports, type Running } from './both-roads.ts';

let guest: BothRoads;

test.before(async () => {
  const wat = await readFile(new URL('calls.wat', import.meta.url), 'utf8');
  guest = await bothRoads(wat, 'test:guest/calls@1.0.0');
});

/** What the host was called with, and how it answers. */
function host(functions: Readonly<Record<string, unknown>> = {}): { imports: Imports; heard: unknown[] } {
  const heard: unknown[] = [];
  const hear = (value: unknown): void => void heard.push(value);
  const imports = {
    'test:host/calls': {
      takeList: hear,
      takeText: hear,
      takeChar: hear,
      takeOption: hear,
      givePair: () => [40, 2n],
      giveNumber: () => 0xffff_fffe,
      giveText: () => 'grüße',
      fail: () => 7,
      many: (...values: unknown[]) => {
        heard.push(values);
        return 99n;
      },
      ...functions,
    },
  };
  return { imports, heard };
}

/** Calls on both roads, each in an instance of its own, and gives what both gave. */
async function onBoth(call: (running: Running) => unknown, functions = {}): Promise<unknown[]> {
  const linked = host(functions);
  const glued = host(functions);
  const own = await call(guest.link(linked.imports));
  const jco = await call(await guest.glue(glued.imports));
  return [own, linked.heard, jco, glued.heard];
}

const SAME: readonly (readonly [
  what: string,
  name: string,
  args: readonly unknown[],
  result: unknown,
  heard: readonly unknown[],
])[] = [
  ['a list of numbers', 'list', [32, 3], 0, [Uint32Array.of(1, 2, 3)]],
  ['an empty list', 'list', [32, 0], 0, [new Uint32Array()]],
  ['a string', 'text', [16, 4], 0, ['text']],
  ['a number that is asked for without anything else', 'given-number', [], 0xffff_fffe, []],
  ['a character', 'char', [0x1f600], 0, ['\u{1f600}']],
  ['an option that is there', 'option', [1, 5], 0, [5]],
  ['an option that is not', 'option', [0, 5], 0, [undefined]],
  ['a result in memory', 'pair', [64], 42, []],
  ['a string of the host', 'given-text', [-1], 7, []],
  [
    'more than 16 parameters of the host',
    'many-out',
    [],
    99,
    [[1, 2n, 3, 4n, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 'text']],
  ],
  [
    'more than 16 parameters of the guest',
    'many-in',
    [0, 8n, 0, 0n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 'q'],
    58,
    [],
  ],
  ['numbers that are no i32', 'wide', [-5n, 1.5, 2.5], 2n ** 64n - 1n, []],
  ['a string of the guest', 'say', [4], 'text', []],
];

for (const [what, name, args, result, heard] of SAME) {
  test(`${what} is on our road what it is on jco's`, async (t) => {
    const [own, ownHeard, jco, jcoHeard] = await onBoth(({ exports }) => exports[name]!(...args));
    t.deepEqual([own, ownHeard], [result, heard]);
    t.deepEqual([jco, jcoHeard], [result, heard]);
  });
}

const TRAPS: readonly (readonly [what: string, name: string, args: readonly unknown[], message: RegExp])[] = [
  ['a list that is not aligned', 'list', [33, 1], /pointer 33 is not aligned/],
  ['a list beyond the memory', 'list', [65_532, 2], /pointer 65532 is out of bounds/],
  ['a list whose end wraps around', 'list', [0xffff_fffc, 2], /pointer 4294967292 is out of bounds/],
  ['a list that is too long', 'list', [0, 0xffff_ffff], /too long/],
  ['a string beyond the memory', 'text', [65_534, 3], /pointer 65534 is out of bounds/],
  ['a string that is not UTF-8', 'text', [16, 5], /not utf-8/],
  ['a surrogate as a character', 'char', [0xd800], /55296 is no Unicode scalar value/],
  ['a character beyond the last one', 'char', [0x11_0000], /1114112 is no Unicode scalar value/],
  ['a case that the variant does not have', 'option', [2, 0], /2 is no case of a variant with 2/],
  ['a place for a result that is not aligned', 'pair', [68], /pointer 68 is not aligned/],
  ['a place for a result beyond the memory', 'pair', [65_528], /pointer 65528 is out of bounds/],
  ['an allocator that gives memory beyond the end', 'given-text', [65_532], /pointer 65532 is out of bounds/],
  ['parameters in memory that are not aligned', 'many-out-misaligned', [], /pointer 260 is not aligned/],
  ['parameters beyond the memory', 'many-out-of-bounds', [], /pointer 65528 is out of bounds/],
  ['a call of the host in realloc', 'call-out-of-realloc', [], /calls out where it must not/],
  ['a question to the host in realloc', 'ask-out-of-realloc', [], /calls out where it must not/],
  ['a call of the host in post-return', 'say-and-call', [4], /calls out where it must not/],
  ['a result of the guest that is not aligned', 'say-at', [18], /pointer 18 is not aligned/],
  ['a result of the guest beyond the memory', 'say-at', [65_532], /pointer 65532 is out of bounds/],
  ['a string of the guest that is not UTF-8', 'say', [5], /not utf-8/],
  ['a result that is neither ok nor err', 'verdict', [2], /2 is no case of a variant with 2/],
];

for (const [what, name, args, message] of TRAPS) {
  test(`${what} is a trap`, async (t) => {
    const { exports } = guest.link(host().imports);
    await t.throwsAsync(async () => exports[name]!(...args), { name: 'ComponentTrap', message });
  });
}

test('every boolean but 0 is true, where jco wants 1', async (t) => {
  const { exports } = guest.link(host().imports);
  t.is(await exports['bool']!(2), true);
  t.is(await exports['bool']!(0), false);
});

test('post-return is called once, with what the function returned', async (t) => {
  const [own, , jco] = await onBoth(async ({ exports }) => {
    await exports['say']!(2);
    return exports['freed']!();
  });
  t.is(own, 1_128);
  t.is(jco, 1_128);
});

test('the err case of a result is thrown in the host, on either side', async (t) => {
  const payload = 'no way';
  const [own, , jco] = await onBoth(({ exports }) => exports['fail']!(), {
    fail: () => {
      throw { payload };
    },
  });
  t.is(own, 1_006);
  t.is(jco, 1_006);
  t.is((await onBoth(({ exports }) => exports['fail']!()))[0], 7);
  t.is(await guest.link(host().imports).exports['verdict']!(0), 16);
  const error = await t.throwsAsync(async () => guest.link(host().imports).exports['verdict']!(1), {
    any: true,
  });
  t.is((error as unknown as { payload: unknown }).payload, 'text');
});

test('an error of the host is no err case: it is reported, even if the guest catches it', async (t) => {
  const broken = new Error('the host is broken');
  const functions = {
    fail: () => {
      throw broken;
    },
  };
  const { exports, traps } = guest.link(host(functions).imports);
  t.is(await exports['catch-all']!(), 5);
  t.deepEqual(traps, [broken]);
});

test('strings and lists that pass are charged by their length, as on the glue', async (t) => {
  const used = async (running: Running, name: string, ...args: unknown[]): Promise<number> => {
    const before = running.fuel.used;
    await running.exports[name]!(...args);
    return running.fuel.used - before;
  };
  const calls = [
    ['text', 16, 4],
    ['text', 16, 0],
    ['list', 32, 3],
    ['given-text', -1],
    ['pair', 64],
    ['given-number'],
  ] as const;
  for (const [name, ...args] of calls) {
    t.is(
      await used(guest.link(host().imports), name, ...args),
      await used(await guest.glue(host().imports), name, ...args),
      name,
    );
  }
});

test('a function without parameters is counted as on the glue, and heard where it throws', async (t) => {
  const counts = async (running: Running): Promise<unknown> => {
    await running.exports['given-number']!();
    const { immediateCalls, waitingCalls, hostCalls } = running.guest.callCounts;
    return { immediateCalls, waitingCalls, hostCalls: [...hostCalls] };
  };
  const linked = await counts(guest.link(host().imports));
  t.deepEqual(linked, await counts(await guest.glue(host().imports)));
  t.like(linked, { immediateCalls: 1, waitingCalls: 0 });

  const broken = new Error('no number');
  const giveNumber = (): never => {
    throw broken;
  };
  const { exports, traps } = guest.link(host({ giveNumber }).imports);
  t.is(await t.throwsAsync(async () => exports['given-number']!()), broken);
  t.true(
    traps.length >= 2 && traps.every((error) => error === broken),
    'where it is thrown, and where it leaves',
  );
});
