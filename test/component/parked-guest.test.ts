import test, { type ExecutionContext } from 'ava';
import { type LinkedGuest, startLinked } from './linked-guest.ts';
import { TestHost } from './test-host.ts';
import { builtInsComponent, type WatComponent } from './wat-component.ts';

let component: WatComponent;

test.before('read the component', async () => {
  component = await builtInsComponent(true);
});

interface Started extends LinkedGuest {
  readonly host: TestHost;
  /** Where it is parked for its fuel: call the first one to let it go on. */
  readonly parks: (() => void)[];
}

function start(t: ExecutionContext, fuel?: number): Started {
  const host = new TestHost();
  const parks: (() => void)[] = [];
  const linked = startLinked(component, {
    imports: host.imports,
    fuelSlice: 100_000,
    yieldThread: (resume) => void parks.push(resume),
    ...(fuel === undefined ? {} : { fuel }),
  });
  t.teardown(() => linked.guest.end());
  return { ...linked, host, parks };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

/** Lets the guest go on wherever it is parked, until `result` is there. */
async function goOn<T>(parks: (() => void)[], result: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  result.then(settle, settle);
  while (!isSettled) {
    parks.shift()?.();
    await turns(1);
  }
  return result;
}

test('a guest that computes is not entered: the event waits until it goes on', async (t) => {
  const { component: linked, host, parks, traps } = start(t);
  const order: string[] = [];
  const waiting = linked.exports['callback-wait']!(1);
  await host.waiting(1);
  const spinning = linked.exports['spin']!(200_000);
  waiting.then(() => order.push('event'));
  spinning.then(() => order.push('spun'));
  await turns(1);
  t.is(parks.length, 1);
  host.waits.get(1)!(23);
  await turns(5);
  t.deepEqual(order, []);
  t.is(await goOn(parks, spinning), 200_000);
  t.is(await goOn(parks, waiting), 123);
  t.deepEqual(traps, []);
});

test('a guest that is over when its turn comes is ended before it uses another slice', async (t) => {
  let isOver = false;
  const parks: (() => void)[] = [];
  const {
    component: linked,
    guest,
    fuel,
  } = startLinked(component, {
    imports: new TestHost().imports,
    fuelSlice: 100_000,
    yieldThread: (resume) => void parks.push(resume),
    isOver: () => isOver,
  });
  t.teardown(() => guest.end());
  const spinning = linked.exports['spin']!(200_000);
  await turns(1);
  const { used } = fuel;
  isOver = true;
  parks.shift()!();
  await t.throwsAsync(spinning as Promise<unknown>);
  t.is(parks.length, 0);
  t.true(fuel.used - used < 50_000, `${fuel.used - used} of fuel`);
});

test('what the host has for a guest that computes is in its memory when the event says so', async (t) => {
  const { component: linked, host, parks, traps } = start(t);
  const result = linked.exports['spin-with-subtask']!(100_000);
  await host.waiting(1);
  t.is(parks.length, 1);
  host.waits.get(1)!(77);
  await turns(5);
  t.is(await goOn(parks, result), 77);
  t.deepEqual(traps, []);
});

test('a string for a guest that computes is allocated when it has gone on', async (t) => {
  const { component: linked, host, parks, traps } = start(t);
  const text = Promise.withResolvers<string>();
  host.texts = (async function* () {
    yield await text.promise;
  })();
  const result = linked.exports['read-texts']!(100_000);
  await turns(1);
  t.is(parks.length, 1);
  text.resolve('hello');
  await turns(5);
  t.is(await goOn(parks, result), (5 << 8) | 0x68);
  t.deepEqual(traps, []);
});

test('a string that a waiting call returns is allocated when the guest that computes has gone on', async (t) => {
  const { component: linked, host, parks, traps } = start(t);
  const when = Promise.withResolvers<void>();
  host.isJoinLate = true;
  host.joinWhen = when.promise;
  const waiting = linked.exports['join-sync']!(7);
  const spinning = linked.exports['spin']!(200_000);
  await turns(1);
  t.is(parks.length, 1);
  when.resolve();
  await turns(5);
  t.is(await goOn(parks, spinning), 200_000);
  t.is(await goOn(parks, waiting), ' 7 0 0 a'.length);
  t.deepEqual(traps, []);
});

test('a stack that may go on does so only when the one that computes has its turn', async (t) => {
  const { component: linked, host, parks, traps } = start(t);
  const waiting = linked.exports['context']!(4);
  await host.waiting(1);
  const spinning = linked.exports['spin']!(200_000);
  await turns(1);
  host.waits.get(4)!(0);
  let hasReturned = false;
  waiting.then(() => {
    hasReturned = true;
  });
  await turns(5);
  t.false(hasReturned);
  t.is(await goOn(parks, spinning), 200_000);
  t.is(await goOn(parks, waiting), 4);
  t.deepEqual(traps, []);
});

test('a guest that does nothing but yield is parked, billed and ended like one that computes', async (t) => {
  const { component: linked, fuel, parks } = start(t, 3_000_000);
  const result = linked.exports['yield-for-good']!(0);
  await t.throwsAsync(goOn(parks, result), { instanceOf: WebAssembly.RuntimeError });
  t.true(fuel.exhausted);
});
