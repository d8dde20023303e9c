/** Events and questions that are handed over to a process: what comes back, and what a loss is worth. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MayflyError } from '../../host/errors.ts';
import { IsolatedCalls } from '../../host/front-door/isolated-calls.ts';
import { createIsolatedServer, type IsolatedServerPorts } from '../../host/front-door/isolated-server.ts';
import type { EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { LiveFunction } from '../../host/model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';

const tenant = 'apart' as TenantName;
const live = { tenant, name: 'hello', version: 1, configuration: defaultConfiguration() } as LiveFunction;
const invocation = {
  tenant: 'somebody-else' as TenantName,
  name: 'hello' as FunctionName,
  delivery: { kind: 'batch', source: 'queue', messages: [] },
} as EventInvocation;
const question = {
  event: Buffer.from('who?'),
  contentType: 'text/plain',
  maxAnswerBytes: 9,
  timeoutMs: 9_000,
};

interface Fixture {
  readonly calls: IsolatedCalls;
  readonly process: { readonly socketPath: string; readonly count: number };
  /** Functions that a loss was noted of. */
  readonly lost: string[];
  /** Breaks every connection off. */
  kill(): void;
}

async function fixture(t: ExecutionContext, ports: Partial<IsolatedServerPorts>): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-'));
  const server = createIsolatedServer({
    tenant,
    refresh: () => ({ live, tenant: { settings: {} as never }, tenantColumn: 0, functionColumn: 0 }),
    ...ports,
  } as IsolatedServerPorts);
  const socketPath = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const lost: string[] = [];
  const calls = new IsolatedCalls({ onLost: ({ name }) => void lost.push(name) });
  return { calls, process: { socketPath, count: 7 }, lost, kill: () => server.closeAllConnections() };
}

test('an event is run for the tenant whose process it is, and its outcome comes back', async (t) => {
  const outcome: EventOutcome = {
    kind: 'returned',
    invocationId: 'id' as InvocationId,
    fuel: 12,
    failures: [{ id: 'a', detail: 'b' }],
    answer: { contentType: 'text/plain', body: Uint8Array.of(1, 2, 255) },
  };
  const seen: EventInvocation[] = [];
  const deliver = async (asked: EventInvocation): Promise<EventOutcome> => {
    seen.push(asked);
    return outcome;
  };
  const { calls, process } = await fixture(t, { events: { deliver } });
  const { answer, ...rest } = (await calls.deliver(process, invocation, live)) as EventOutcome & {
    kind: 'returned';
  };
  t.deepEqual({ ...rest, answer: { ...answer, body: Uint8Array.from(answer!.body) } }, outcome);
  t.deepEqual(seen, [{ ...invocation, tenant }]);
});

test('a process that is lost while it runs an event has made an attempt', async (t) => {
  const { calls, process, lost, kill } = await fixture(t, {
    events: {
      deliver: () => {
        setImmediate(() => kill());
        return new Promise(() => {});
      },
    },
  });
  const outcome = await calls.deliver(process, invocation, live);
  t.like(outcome, { kind: 'failed', cause: { code: 'worker_lost' }, isRetryable: true });
  t.deepEqual(lost, ['hello']);
});

test('a process that was gone before has made none, and nobody is to blame', async (t) => {
  const { calls, lost } = await fixture(t, {});
  const gone = { socketPath: '/nowhere/s', count: 1 };
  t.is(
    (await t.throwsAsync(calls.deliver(gone, invocation, live), { instanceOf: MayflyError })).code,
    'worker_lost',
  );
  const signal = new AbortController().signal;
  t.is(
    (await t.throwsAsync(calls.ask(gone, question, live, signal), { instanceOf: MayflyError })).code,
    'worker_lost',
  );
  t.deepEqual(lost, []);
});

test('a question is answered, or fails with the code that it failed with', async (t) => {
  const answers = [
    async () => ({ status: 200, contentType: 'text/plain', body: Buffer.from('me') }),
    async () => Promise.reject(new MayflyError('fuel_exhausted', 'It was much.')),
  ];
  const { calls, process } = await fixture(t, {
    invoker: { call: async () => {}, ask: () => answers.shift()!() },
  });
  const { signal } = new AbortController();
  const { status, body } = await calls.ask(process, question, live, signal);
  t.deepEqual([status, Buffer.from(body).toString()], [200, 'me']);
  const error = await t.throwsAsync(calls.ask(process, question, live, signal), { instanceOf: MayflyError });
  t.deepEqual([error.code, error.message], ['fuel_exhausted', 'It was much.']);
});

test('what was not handed over is refused', async (t) => {
  const { process } = await fixture(t, {});
  const status = await new Promise((resolve) => {
    request({ socketPath: process.socketPath }, (answer) => resolve(answer.resume().statusCode)).end();
  });
  t.is(status, 400);
});
