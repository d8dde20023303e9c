import test from 'ava';
import { ObjectAccount } from '../../host/instance/object-account.ts';
import { SpaceAccount } from '../../host/instance/space-account.ts';

/** A guest's code with its account. */
function guest(
  memory: SpaceAccount,
  thread: SpaceAccount,
): { account: ObjectAccount; make: (bytes: number) => boolean } {
  const counter: WebAssembly.Global<'i64'> = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n);
  const account = new ObjectAccount(memory, counter, thread);
  /** As the code does before it makes an object: true if it may. */
  const make = (bytes: number): boolean => {
    counter.value -= BigInt(bytes);
    if (counter.value < 0n) account.reserve();
    return counter.value >= 0n;
  };
  return { account, make };
}

const LARGE = 1e9;

test('objects are made until the memory account is used up, to the byte', (t) => {
  const memory = new SpaceAccount(1_000_000, 400_000);
  const { account, make } = guest(memory, new SpaceAccount(LARGE, 0));
  for (let made = 0; made < 6_000; made++) t.true(make(100));
  t.false(memory.refused);
  t.is(memory.peak, 1_000_000);
  t.false(make(1));
  t.true(memory.refused);
  t.false(account.lackedThreadSpace);
});

test('an object larger than any portion is reserved as a whole', (t) => {
  const memory = new SpaceAccount(LARGE, 0);
  const { make } = guest(memory, new SpaceAccount(LARGE, 0));
  t.true(make(50_000_000));
  t.true(memory.peak >= 50_000_000 && memory.peak < 50_100_000);
});

test('a thread without room refuses, whatever the invocation may have, until another one has ended', (t) => {
  const thread = new SpaceAccount(1_000_000, 0);
  const first = guest(new SpaceAccount(LARGE, 0), thread);
  const second = guest(new SpaceAccount(LARGE, 0), thread);
  t.true(first.make(900_000));
  t.false(second.make(200_000));
  t.true(second.account.lackedThreadSpace);
  first.account.end();
  t.true(guest(new SpaceAccount(LARGE, 0), thread).make(900_000));
});

test('nothing is handed out after the end', (t) => {
  const thread = new SpaceAccount(1_000_000, 0);
  const { account, make } = guest(new SpaceAccount(LARGE, 0), thread);
  t.true(make(10));
  account.end();
  t.false(make(200_000));
  account.end();
  t.true(thread.fits(1_000_000));
  t.false(thread.fits(1_000_001), 'and what it had is given back once');
});
