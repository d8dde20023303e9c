import { readFile } from 'node:fs/promises';
import test from 'ava';
import { type BothRoads, bothRoads, type Imports } from './both-roads.ts';

const PLAIN = [
  'numbers',
  'mixed',
  'use',
  'use-zero',
  'use-unknown',
  'use-negative',
  'use-after-drop',
  'drop-twice',
  'use-after-giving',
  'use-another-resource',
  'drop-another-resource',
  'lend-and-give',
  'give-and-lend',
  'wait',
  'drop-kept',
  'flood',
];
const BORROWING = ['return-it', 'keep-it', 'give-it-away'];

let guest: BothRoads;

test.before(async () => {
  const lifted = [
    ...PLAIN.map((name) => `(func $${name} (result u32) (canon lift (core func $m "${name}")))`),
    ...BORROWING.map(
      (name) => `(func $${name} (param "it" (borrow $p)) (result u32) (canon lift (core func $m "${name}")))`,
    ),
  ];
  // An exported interface may name no resource that is not exported with it: a component in between renames it.
  const imports = [
    '(import "p" (type $p (sub resource)))',
    ...PLAIN.map((name) => `(import "${name}" (func $${name} (result u32)))`),
    ...BORROWING.map((name) => `(import "${name}" (func $${name} (param "it" (borrow $p)) (result u32)))`),
  ];
  const all = [...PLAIN, ...BORROWING];
  const exported = `(component $C ${imports.join(' ')} (export $q "q" (type $p))
      ${PLAIN.map((name) => `(export "${name}" (func $${name}))`).join(' ')}
      ${BORROWING.map((name) => `(export "${name}" (func $${name}) (func (param "it" (borrow $q)) (result u32)))`).join(' ')})
    (instance $i (instantiate $C (with "p" (type $p)) ${all.map((name) => `(with "${name}" (func $${name}))`).join(' ')}))
    (export "test:guest/handles@1.0.0" (instance $i))`;
  const wat = await readFile(new URL('handles.wat', import.meta.url), 'utf8');
  guest = await bothRoads(
    wat.replace('LIFTED', lifted.join('\n')).replace('BORROWING', exported),
    'test:guest/handles@1.0.0',
  );
});

class Pollable {
  static disposed: Pollable[] = [];
  static blocked: (() => void) | undefined;

  static eat(it: unknown): void {
    if (!(it instanceof Pollable)) throw new TypeError('not a pollable');
  }

  ready(): boolean {
    return true;
  }

  block(): Promise<void> {
    return new Promise((resolve) => {
      Pollable.blocked = resolve;
    });
  }

  [Symbol.dispose](): void {
    Pollable.disposed.push(this);
  }
}

const IMPORTS: Imports = {
  'wasi:io/poll': { Pollable, lendAndGive: () => {}, giveAndLend: () => {} },
  'test:host/other': { Other: class Other {} },
};

test.beforeEach(() => {
  Pollable.disposed = [];
});

test.serial('handles are numbered as the specification says: one table, freed indices first', async (t) => {
  t.is(await guest.link(IMPORTS).exports['numbers']!(), 121);
  t.is(await guest.link(IMPORTS).exports['mixed']!(), 12);
});

test.serial('an owned resource is disposed of once, when its handle is dropped', async (t) => {
  await guest.link(IMPORTS).exports['numbers']!();
  t.is(Pollable.disposed.length, 1);
});

const TRAPS: readonly (readonly [name: string, message: RegExp])[] = [
  ['use-zero', /unknown handle index 0/],
  ['use-unknown', /unknown handle index 77/],
  ['use-negative', /unknown handle index 4294967295/],
  ['use-after-drop', /unknown handle index 1/],
  ['drop-twice', /unknown handle index 1/],
  ['use-after-giving', /unknown handle index 1/],
  ['use-another-resource', /handle 1 is of another resource/],
  ['drop-another-resource', /handle 1 is of another resource/],
  ['lend-and-give', /lent cannot be given away/],
  ['give-and-lend', /unknown handle index 1/],
  ['flood', /more than 10000 handles/],
];

for (const [name, message] of TRAPS) {
  test.serial(`${name}: a trap, which is reported where it happens`, async (t) => {
    const { exports, traps } = guest.link(IMPORTS);
    await t.throwsAsync(async () => exports[name]!(), { message });
    t.regex(String(traps[0]), message);
  });
}

test.serial('a handle that is lent to a call in flight cannot be dropped, and can afterwards', async (t) => {
  const busy = guest.link(IMPORTS);
  const waiting = busy.exports['wait']!();
  await t.throwsAsync(async () => busy.exports['drop-kept']!(), { message: /lent cannot be dropped/ });
  Pollable.blocked!();
  t.is(await waiting, 1);
  t.is(await busy.exports['drop-kept']!(), 0);
});

test.serial('a borrowed handle is given back before its call returns, and is never given away', async (t) => {
  const linked = guest.link(IMPORTS);
  const lent = new Pollable();
  t.is(await linked.exports['return-it']!(lent), 7);
  t.deepEqual(Pollable.disposed, []);
  await t.throwsAsync(async () => linked.exports['keep-it']!(lent), {
    message: /without dropping 1 borrowed/,
  });
  await t.throwsAsync(async () => linked.exports['give-it-away']!(lent), {
    message: /borrowed handle cannot be given/,
  });
});

test.serial('a reset numbers handles from the beginning', async (t) => {
  const { component, exports } = guest.link(IMPORTS);
  t.is(await exports['numbers']!(), 121);
  t.is(await exports['numbers']!(), 343);
  component.reset();
  t.is(await exports['numbers']!(), 121);
});

test.serial('what a call of before a reset was waiting for comes to nothing', async (t) => {
  const { component, exports } = guest.link(IMPORTS);
  const old = exports['wait']!() as Promise<unknown>;
  component.reset();
  t.is(await exports['use']!(), 1);
  Pollable.blocked!();
  await t.throwsAsync(old, { message: /invocation is over/ });
  t.is(await exports['mixed']!(), 23, 'the table holds what the new invocation made, and nothing else');
});

test.serial('what jco gets right, it gets right as we do', async (t) => {
  for (const name of ['use', 'numbers']) {
    const { exports } = await guest.glue(IMPORTS);
    t.is(await exports[name]!(), await guest.link(IMPORTS).exports[name]!(), name);
  }
});
