import { readFile } from 'node:fs/promises';
import test from 'ava';
import { type BothRoads, bothRoads } from './both-roads.ts';

let guest: BothRoads;

test.before(async () => {
  const wat = await readFile(new URL('composed.wat', import.meta.url), 'utf8');
  guest = await bothRoads(wat, 'test:guest/composed@1.0.0');
});

class Thing {
  name(): string {
    return 'four';
  }
}

const IMPORTS = { 'test:host/things': { Thing } };

test('a component calls another one: values are copied from memory to memory', async (t) => {
  t.is(guest.plan.components, 2);
  const { exports } = guest.link(IMPORTS);
  t.is(await exports['say']!(3), 'hello, Ada');
  t.is(await exports['count']!(), 1, 'post-return was called once');
  const glued = await guest.glue(IMPORTS);
  t.is(await glued.exports['say']!(3), 'hello, Ada');
});

test('each component has a table of handles of its own', async (t) => {
  t.is(await guest.link(IMPORTS).exports['move']!(), 1);
});

test('a handle is lent to another component for a call, and no longer', async (t) => {
  t.is(await guest.link(IMPORTS).exports['lend']!(), 404);
  await t.throwsAsync(async () => guest.link(IMPORTS).exports['lend-for-good']!(), {
    message: /without dropping 1 borrowed/,
  });
});

test('a handle that was given to another component is gone', async (t) => {
  await t.throwsAsync(async () => guest.link(IMPORTS).exports['move-twice']!(), {
    message: /unknown handle index 1/,
  });
});

test('what one component gives another is checked like what it gives the host', async (t) => {
  await t.throwsAsync(async () => guest.link(IMPORTS).exports['say']!(4), { message: /not utf-8/ });
});

test('a reset makes the tables of all components anew', async (t) => {
  const { component, exports } = guest.link(IMPORTS);
  t.is(await exports['move']!(), 1);
  t.is(await exports['move']!(), 2);
  component.reset();
  t.is(await exports['move']!(), 1);
});
