/** Real guests of several tenants in this thread, which is shared by the run queue as a serving thread is. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import { type InvocationResult, RunningInvocation } from '../../host/instance/engine.ts';
import { FUEL_SLICE } from '../../host/limits/limits.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { EMPTY_SOURCE } from '../../host/wasi/io/buffer-source.ts';
import { NULL_SINK } from '../../host/wasi/io/null-sink.ts';
import { artifactOf } from '../harness/artifact.ts';
import { enginePorts } from '../harness/engine-ports.ts';
import { createSlots } from '../harness/slots.ts';
import { clockCommand, FOREVER, plainCommand } from '../harness/wat-commands.ts';

const TENANTS = 8;

class SharedThread {
  /** Whose slice ended, in order. */
  readonly slices: string[] = [];
  readonly fuel: Record<string, number> = {};
  /** What guests said of themselves when a slice was used up. */
  readonly onlyComputed: boolean[] = [];
  readonly queue: RunQueue;
  readonly slots = createSlots();
  readonly #running = new Set<RunningInvocation>();

  constructor(weights: Readonly<Record<string, number>> = {}) {
    this.queue = new RunQueue({
      nextTurn: setImmediate,
      nowMs: () => performance.now(),
      quantum: FUEL_SLICE,
      weightOf: (tenant) => weights[tenant] ?? 1,
    });
  }

  invoke(tenant: string, artifact: LoadedArtifact): RunningInvocation {
    const { queue } = this;
    const ports = enginePorts({
      park: (_tenant, fuel, resume, isOver) => {
        this.slices.push(tenant);
        this.fuel[tenant] = (this.fuel[tenant] ?? 0) + fuel;
        queue.park(tenant, fuel, resume, isOver);
      },
      admit: (_tenant, isOver) => queue.admit(tenant, isOver),
      goOn: (_tenant, fuel, isOver) => queue.goOn(tenant, fuel, isOver),
      charge: (_tenant, fuel) => queue.charge(tenant, fuel),
      keepsThread: (hasOnlyComputed) => {
        this.onlyComputed.push(hasOnlyComputed);
        return queue.keepsTurn(hasOnlyComputed);
      },
      slots: this.slots,
    });
    const invocation = new RunningInvocation(
      {
        invocationId: 'test' as InvocationId,
        live: {
          tenant: tenant as TenantName,
          name: 'test' as FunctionName,
          generation: 0,
          version: 1,
          artifactKey: artifact.key,
          handler: artifact.manifest.handler,
          configuration: { ...defaultConfiguration(), fuel: 1e15, timeoutMs: 100_000 },
        },
        artifact,
        exchange: {
          method: 'GET',
          scheme: 'http',
          authority: 'test',
          pathWithQuery: '/',
          headers: [],
          body: EMPTY_SOURCE,
          trailers: () => Promise.resolve([]),
          respond: () => NULL_SINK,
          sendTrailers: () => {},
        },
        trigger: 'http',
        scriptName: '',
        outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
      },
      ports,
    );
    this.#running.add(invocation);
    return invocation;
  }

  /** Resolves once that many slices have ended. */
  async sliced(count: number): Promise<void> {
    while (this.slices.length < count) await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(): Promise<void> {
    for (const invocation of this.#running) invocation.cancel('caller_gone', 'The test is over.');
    await Promise.all([...this.#running].map(({ done }) => done));
  }
}

let endless: LoadedArtifact;
let asking: LoadedArtifact;
let small: LoadedArtifact;
let napping: LoadedArtifact;

test.before(async () => {
  endless = await artifactOf(await parse(plainCommand(`(func (export "run") (result i32) ${FOREVER})`)));
  asking = await artifactOf(
    await parse(
      clockCommand(`(func (export "run") (result i32) (local $n i32)
        (loop $again
          (drop (call $now))
          (local.set $n (i32.const 10000))
          (loop $work (br_if $work (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (br $again))
        (unreachable))`),
    ),
  );
  small = await artifactOf(await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')));
  napping = await artifactOf(
    await parse(
      clockCommand(`(func (export "run") (result i32) (local $n i32)
        (loop $again
          (call $sleep (i64.const 1000))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20))))
        (i32.const 0))`),
    ),
  );
});

async function beside(tenants: number, work: (thread: SharedThread) => Promise<void>): Promise<void> {
  const thread = new SharedThread();
  try {
    for (let i = 0; i < tenants; i++) thread.invoke(`hog-${i}`, endless);
    await thread.sliced(3 * tenants);
    await work(thread);
  } finally {
    await thread.stop();
  }
}

test.serial(
  'a small call beside eight endless loops waits for two slices at most, and one after the other for two rounds',
  async (t) => {
    await beside(TENANTS, async (thread) => {
      for (let call = 0; call < 20; call++) {
        const before = thread.slices.length;
        const { failure } = await thread.invoke('victim', small).done;
        t.is(failure, undefined);
        const slices = thread.slices.length - before;
        // A tenant that calls without a pause uses up what it earns in a round, and waits for the next one.
        t.true(slices <= (call === 0 ? 2 : 2 * TENANTS), `call ${call}: ${slices} slices of others`);
      }
    });
  },
);

test.serial('timers of the thread fire between slices', async (t) => {
  await beside(TENANTS, async (thread) => {
    for (let tick = 0; tick < 20; tick++) {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      const before = thread.slices.length;
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      // The shortest timer has a millisecond, in which a slice or two may pass.
      t.true(thread.slices.length - before <= 10, `${thread.slices.length - before}`);
    }
  });
});

test.serial('sockets of the thread are served between slices', async (t) => {
  const echo = createServer((socket) => socket.setNoDelay(true).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const socket = connect((echo.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  await beside(TENANTS, async (thread) => {
    for (let trip = 0; trip < 20; trip++) {
      const before = thread.slices.length;
      const answer = once(socket, 'data');
      socket.write('x');
      await answer;
      // Out of the client, into the server, out of it, into the client: some turns of the loop.
      t.true(thread.slices.length - before <= 20, `${thread.slices.length - before}`);
    }
  });
  socket.destroy();
  await new Promise((resolve) => echo.close(resolve));
});

test.serial('a guest that wakes up from a sleep again and again is not starved', async (t) => {
  await beside(TENANTS, async (thread) => {
    const before = thread.slices.length;
    t.is((await thread.invoke('victim', napping).done).failure, undefined);
    const slices = thread.slices.length - before;
    // Twenty naps of a microsecond, each of which a timer of a millisecond or so and the host's glue answer.
    t.true(slices <= 20 * TENANTS * 3, `${slices}`);
  });
});

test.serial('tenants in endless loops get fuel by their weights', async (t) => {
  const weights = { a: 1, b: 1, c: 2, d: 4 };
  const thread = new SharedThread(weights);
  try {
    for (const tenant of Object.keys(weights)) thread.invoke(tenant, endless);
    await thread.sliced(20);
    const before = { ...thread.fuel };
    const start = thread.slices.length;
    await thread.sliced(start + 400);
    const gained = (tenant: string): number => thread.fuel[tenant]! - before[tenant]!;
    const total = Object.keys(weights).reduce((sum, tenant) => sum + gained(tenant), 0);
    for (const [tenant, weight] of Object.entries(weights)) {
      const error = gained(tenant) / total / (weight / 8) - 1;
      t.true(Math.abs(error) < 0.05, `${tenant} is off by ${error}`);
    }
  } finally {
    await thread.stop();
  }
});

test.serial('a guest that is cancelled gets no slice more', async (t) => {
  const thread = new SharedThread();
  const hogs = ['a', 'b', 'c'].map((tenant) => thread.invoke(tenant, endless));
  await thread.sliced(30);
  hogs[1]!.cancel('caller_gone', 'It is enough.');
  const { failure, fuel }: InvocationResult = await hogs[1]!.done;
  t.is(failure?.code, 'caller_gone');
  t.true(fuel > FUEL_SLICE);
  const slicesOfB = thread.slices.filter((tenant) => tenant === 'b').length;
  await thread.sliced(thread.slices.length + 30);
  t.is(thread.slices.filter((tenant) => tenant === 'b').length, slicesOfB);
  await thread.stop();
});

test.serial('the queue is told whether a guest has only computed since it was resumed', async (t) => {
  for (const [artifact, expected] of [
    [endless, true],
    [asking, false],
  ] as const) {
    const thread = new SharedThread();
    thread.invoke('lone', artifact);
    await thread.sliced(1);
    const before = thread.onlyComputed.length;
    await thread.sliced(10);
    t.deepEqual(new Set(thread.onlyComputed.slice(before)), new Set([expected]));
    await thread.stop();
  }
});
