/** Events and questions that are handed over to a process: what comes back, and what a loss is worth. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { type HandOver, IsolatedCalls } from '../../host/front-door/isolated-calls.ts';
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
const cause = {
  invocationId: '018f0000-0000-7000-8000-000000000000' as InvocationId,
  trigger: 'queue',
} as const;
const question = {
  trigger: 'authorizer' as const,
  event: Buffer.from('who?'),
  contentType: 'text/plain',
  maxAnswerBytes: 9,
  timeoutMs: 9_000,
};

interface Fixture {
  readonly calls: IsolatedCalls;
  readonly over: HandOver;
  /** What may have to be told of in place of the process, and what it ended with. */
  readonly untold: string[];
  /** Functions that a loss was noted of. */
  readonly lost: string[];
  /** The socket of a process that ought to have ended an invocation. */
  readonly overdue: Promise<string>;
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
  const untold: string[] = [];
  const overdue = Promise.withResolvers<string>();
  const calls = new IsolatedCalls({
    onLost: ({ name }) => void lost.push(name),
    onOverdue: (path) => void overdue.resolve(path),
    onUntold: (_live, { invocationId }, error) => {
      untold.push(`${invocationId} ${error instanceof MayflyError ? error.code : error}`);
    },
  });
  const over: HandOver = { process: { socketPath, count: 7 }, live, cause };
  return { calls, over, lost, untold, overdue: overdue.promise, kill: () => server.closeAllConnections() };
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
  const deliver: IsolatedServerPorts['events']['deliver'] = async (asked, known) => {
    t.is(known?.invocationId, cause.invocationId);
    seen.push(asked);
    return outcome;
  };
  const { calls, over, untold } = await fixture(t, { events: { deliver } });
  const { answer, ...rest } = (await calls.deliver(over, invocation)) as EventOutcome & {
    kind: 'returned';
  };
  t.deepEqual({ ...rest, answer: { ...answer, body: Uint8Array.from(answer!.body) } }, outcome);
  t.deepEqual(seen, [{ ...invocation, tenant }]);
  t.deepEqual(untold, []);
});

test('a process that is lost while it runs an event has made an attempt', async (t) => {
  const { calls, over, lost, untold, kill } = await fixture(t, {
    events: {
      deliver: () => {
        setImmediate(() => kill());
        return new Promise(() => {});
      },
    },
  });
  const outcome = await calls.deliver(over, invocation);
  t.like(outcome, { kind: 'failed', cause: { code: 'worker_lost' }, isRetryable: true });
  t.is(outcome.kind === 'failed' && outcome.invocationId, cause.invocationId);
  t.deepEqual(lost, ['hello']);
  t.deepEqual(untold, [`${cause.invocationId} worker_lost`]);
});

test('a process that was gone before has made none, and nobody is to blame', async (t) => {
  const { calls, over, lost, untold } = await fixture(t, {});
  const gone = { ...over, process: { socketPath: '/nowhere/s', count: 1 } };
  t.is(
    (await t.throwsAsync(calls.deliver(gone, invocation), { instanceOf: MayflyError })).code,
    'worker_lost',
  );
  const signal = new AbortController().signal;
  t.is(
    (await t.throwsAsync(calls.ask(gone, question, signal), { instanceOf: MayflyError })).code,
    'worker_lost',
  );
  t.deepEqual(lost, []);
  t.deepEqual(untold, Array(2).fill(`${cause.invocationId} worker_lost`));
});

test('a question is answered, or fails with the code that it failed with', async (t) => {
  const answers = [
    async () => ({ status: 200, contentType: 'text/plain', body: Buffer.from('me') }),
    async () => Promise.reject(new MayflyError('fuel_exhausted', 'It was much.')),
  ];
  const { calls, over, untold } = await fixture(t, {
    invoker: { call: async () => {}, ask: () => answers.shift()!() },
  });
  const { signal } = new AbortController();
  const { status, body } = await calls.ask(over, question, signal);
  t.deepEqual([status, Buffer.from(body).toString()], [200, 'me']);
  const error = await t.throwsAsync(calls.ask(over, question, signal), { instanceOf: MayflyError });
  t.deepEqual([error.code, error.message], ['fuel_exhausted', 'It was much.']);
  t.deepEqual(untold, [], 'the process tells of both');
});

test('what was not handed over is refused', async (t) => {
  const { over } = await fixture(t, {});
  const status = await new Promise((resolve) => {
    request({ socketPath: over.process.socketPath }, (answer) => resolve(answer.resume().statusCode)).end();
  });
  t.is(status, 400);
});

test('a process that is silent of an invocation whose time is up is reported before the invocation is given up', async (t) => {
  const { calls, over, lost, overdue, kill } = await fixture(t, {
    events: { deliver: () => new Promise(() => {}) },
  });
  const short = { ...over, live: { ...live, configuration: { ...live.configuration, timeoutMs: 1 } } };
  const outcome = calls.deliver(short, invocation);
  t.is(await overdue, over.process.socketPath);
  kill();
  t.like(await outcome, { kind: 'failed', cause: { code: 'worker_lost' } });
  t.deepEqual(lost, ['hello']);
});
