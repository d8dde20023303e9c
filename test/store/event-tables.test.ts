import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { EventSource } from '../../host/model/event-source-mapping.ts';
import type { MappingName, QueueName, ScheduleName } from '../../host/model/ids.ts';
import type { ScheduleExpression } from '../../host/model/schedule.ts';
import { MasterKeys } from '../../host/store/master-keys.ts';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');
const hello = functionNamed('hello');
const orders = 'orders' as QueueName;
const mapping = 'handle' as MappingName;
const nightly = 'nightly' as ScheduleName;
const FROM_ORDERS: EventSource = { type: 'queue', queue: orders };
const EVERY_MINUTE: ScheduleExpression = { type: 'rate', everyMs: 60_000 };
const code = (name: string) => ({ code: name }) as never;

function registryWith(masterKeys = [randomBytes(32).toString('base64')], path = ':memory:'): Registry {
  const registry = new Registry({ path, masterKeys: new MasterKeys(masterKeys) });
  registry.tenants.ensure(acme, {}, 1);
  registry.functions.publish(publicationOf(acme, hello, 'x'), { functionsPerTenant: 9 });
  return registry;
}

test('a queue has the defaults but for what was set, and PUT forgets what PATCH keeps', (t) => {
  using registry = registryWith();
  const { queues } = registry.events;
  const heard: string[] = [];
  queues.onChange((tenant, name) => heard.push(`${tenant}/${name}`));
  t.true(queues.put(acme, orders, { retentionMs: 60_000 }, 5).created);
  queues.configure(acme, orders, { deduplicationMs: 7 }, 6);
  t.like(queues.require(acme, orders), {
    settings: { retentionMs: 60_000, deduplicationMs: 7, deadLetterRetentionMs: 345_600_000 },
    createdAtMs: 5,
    updatedAtMs: 6,
  });
  t.false(queues.put(acme, orders, { deduplicationMs: 8 }, 7).created);
  t.like(queues.require(acme, orders), {
    settings: { retentionMs: 345_600_000, deduplicationMs: 8 },
    createdAtMs: 5,
    updatedAtMs: 7,
  });
  queues.remove(acme, orders, 8);
  t.deepEqual(queues.list(acme), []);
  t.deepEqual(heard, Array(4).fill('acme/orders'));
  t.deepEqual(
    registry.audit
      .ofTenant(acme, { limit: 4 })
      .map(({ action, before, after }) => ({ action, before, after })),
    [
      {
        action: 'queue.delete',
        before: { deadLetterRetentionMs: 345_600_000, deduplicationMs: 8, retentionMs: 345_600_000 },
        after: undefined,
      },
      {
        action: 'queue.configure',
        before: { deadLetterRetentionMs: 345_600_000, deduplicationMs: 7, retentionMs: 60_000 },
        after: { deduplicationMs: 8 },
      },
      { action: 'queue.configure', before: { deduplicationMs: 300_000 }, after: { deduplicationMs: 7 } },
      { action: 'queue.create', before: undefined, after: { retentionMs: 60_000 } },
    ] as never,
  );
  t.throws(() => queues.remove(acme, orders, 9), code('queue_not_found'));
  t.throws(() => queues.require(tenantNamed('nobody'), orders), code('tenant_not_found'));
});

test('a queue that a mapping reads stays, and what is removed is noted until it is forgotten', (t) => {
  using registry = registryWith();
  const { queues, mappings } = registry.events;
  const noted: string[] = [];
  queues.onRemoval(({ kind, name }) => noted.push(`${kind} ${name}`));
  queues.put(acme, orders, {}, 1);
  mappings.put(acme, mapping, { source: FROM_ORDERS, function: hello, settings: {} }, 2);
  t.throws(() => queues.remove(acme, orders, 3), code('queue_in_use'));
  t.deepEqual(queues.removals(), []);
  mappings.remove(acme, mapping, 4);
  queues.remove(acme, orders, 5);
  t.deepEqual(queues.removals(), [{ kind: 'queue', tenant: acme, name: orders }]);
  t.deepEqual(noted, ['queue orders']);
  queues.removed(queues.removals()[0]!);
  t.deepEqual(queues.removals(), []);
});

test('a tenant takes along what it defined, and the events of every function that it ever had', (t) => {
  using registry = registryWith();
  const { queues, mappings, schedules } = registry.events;
  queues.put(acme, orders, {}, 1);
  mappings.put(acme, mapping, { source: FROM_ORDERS, function: hello, settings: {} }, 2);
  schedules.put(acme, nightly, { function: hello, settings: { expression: EVERY_MINUTE } }, 3);
  const gone = functionNamed('gone');
  registry.functions.publish(publicationOf(acme, gone, 'x'), { functionsPerTenant: 9 });
  registry.functions.remove(acme, gone);
  const heard: string[] = [];
  for (const table of [queues, mappings, schedules])
    table.onChange((_, name) => heard.push(`${name} ${table.list(acme).length}`));
  registry.removeTenant(acme, { withFunctions: true, nowMs: 4 });
  t.deepEqual(heard.sort(), ['handle 0', 'nightly 0', 'orders 0']);
  t.deepEqual(
    queues
      .removals()
      .map(({ kind, name }) => `${kind} ${name}`)
      .sort(),
    ['function gone', 'function hello', 'queue orders'],
  );
});

test('a mapping keeps its source, and outlives its function', (t) => {
  using registry = registryWith();
  const { queues, mappings } = registry.events;
  const definition = { source: FROM_ORDERS, function: hello, settings: { batchSize: 3 } };
  t.throws(() => mappings.put(acme, mapping, definition, 1), code('queue_not_found'));
  queues.put(acme, orders, {}, 1);
  queues.put(acme, 'other' as QueueName, {}, 1);
  const nowhere = { ...definition, function: functionNamed('nowhere') };
  t.throws(() => mappings.put(acme, mapping, nowhere, 1), code('function_not_found'));
  t.deepEqual(mappings.list(), []);
  mappings.put(acme, mapping, definition, 2);
  const other: EventSource = { type: 'queue', queue: 'other' as QueueName };
  t.throws(() => mappings.put(acme, mapping, { ...definition, source: other }, 3), code('invalid_request'));
  t.like(mappings.configure(acme, mapping, { settings: { enabled: false } }, 4), {
    source: FROM_ORDERS,
    settings: { batchSize: 3, enabled: false, maximumAttempts: 5 },
  });
  registry.functions.remove(acme, hello);
  t.is(mappings.require(acme, mapping).function, hello);
  t.throws(
    () => mappings.configure(acme, mapping, { function: hello, settings: {} }, 5),
    code('function_not_found'),
  );
});

test('ticks that are over never come back, and a schedule owes none from before it was changed', (t) => {
  using registry = registryWith();
  const { schedules } = registry.events;
  const lastTickMs = (): number | undefined => schedules.require(acme, nightly).lastTickMs;
  schedules.put(acme, nightly, { function: hello, settings: { expression: EVERY_MINUTE } }, 1_000);
  t.is(lastTickMs(), undefined);
  const heard: string[] = [];
  schedules.onChange(() => heard.push('changed'));
  schedules.saveTicks([{ tenant: acme, name: nightly, tickMs: 60_000 }]);
  schedules.saveTicks([
    { tenant: acme, name: nightly, tickMs: 0 },
    { tenant: acme, name: 'gone' as ScheduleName, tickMs: 1 },
  ]);
  t.is(lastTickMs(), 60_000);
  t.deepEqual(heard, []);
  schedules.configure(acme, nightly, { settings: { input: '1' } }, 200_000);
  t.is(lastTickMs(), 60_000, 'another input is no reason to skip');
  schedules.configure(acme, nightly, { settings: { enabled: false } }, 300_000);
  t.is(lastTickMs(), 60_000);
  schedules.configure(acme, nightly, { settings: { enabled: true } }, 400_000);
  t.is(lastTickMs(), 400_000);
  schedules.configure(acme, nightly, { settings: { expression: { type: 'rate', everyMs: 5_000 } } }, 500_000);
  t.is(lastTickMs(), 500_000);
  schedules.put(acme, nightly, { function: hello, settings: { expression: EVERY_MINUTE } }, 600_000);
  t.is(lastTickMs(), 600_000);
  t.like(schedules.require(acme, nightly).settings, { input: '{}', missedTicks: 'last' });
});

test('quotas bound how many there are of each', (t) => {
  using registry = registryWith();
  const { queues, mappings, schedules } = registry.events;
  registry.quotas.configure(acme, { queues: 1, eventSourceMappings: 1, schedules: 1 }, 1);
  const put = [
    (name: string) => queues.put(acme, name as QueueName, {}, 2),
    (name: string) =>
      mappings.put(acme, name as MappingName, { source: FROM_ORDERS, function: hello, settings: {} }, 2),
    (name: string) =>
      schedules.put(
        acme,
        name as ScheduleName,
        { function: hello, settings: { expression: EVERY_MINUTE } },
        2,
      ),
  ];
  for (const each of put) {
    each('orders');
    each('orders');
    t.throws(() => each('another'), code('event_quota_exceeded'));
  }
  t.like(registry.quotas.stored(acme), { queues: 1, eventSourceMappings: 1, schedules: 1 });
});

test('how events of a function are tried is set by name, and goes with the function', (t) => {
  using registry = registryWith();
  const { invokeConfigs } = registry.events;
  const heard: string[] = [];
  registry.functions.onChange((_, name) => heard.push(name));
  t.like(invokeConfigs.of(acme, hello), { maximumAttempts: 3, maximumAgeMs: 21_600_000 });
  invokeConfigs.configure(acme, hello, { maximumAttempts: 1 }, 1);
  t.like(invokeConfigs.configure(acme, hello, { maximumAgeMs: 5_000 }, 2), {
    maximumAttempts: 1,
    maximumAgeMs: 5_000,
  });
  t.deepEqual(heard, ['hello', 'hello']);
  registry.functions.remove(acme, hello);
  registry.functions.publish(publicationOf(acme, hello, 'y'), { functionsPerTenant: 9 });
  t.is(invokeConfigs.of(acme, hello).maximumAttempts, 3);
  t.throws(() => invokeConfigs.configure(acme, functionNamed('nope'), {}, 3), code('function_not_found'));
});

test('signing secrets are sealed for their queue, follow a change of the master key, and are bounded', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-signing-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  {
    using registry = registryWith([first], path);
    const { queues, signingSecrets } = registry.events;
    t.throws(
      () => signingSecrets.add({ tenant: acme, queue: orders, id: 'a' }, secret, 1),
      code('queue_not_found'),
    );
    queues.put(acme, orders, {}, 1);
    for (const id of ['a', 'b', 'c', 'd'])
      signingSecrets.add({ tenant: acme, queue: orders, id }, `${secret}${id}`, 2);
    t.throws(
      () => signingSecrets.add({ tenant: acme, queue: orders, id: 'e' }, secret, 3),
      code('invalid_request'),
    );
    signingSecrets.remove(acme, orders, 'b', 4);
    t.throws(() => signingSecrets.remove(acme, orders, 'b', 4), code('signing_secret_not_found'));
    t.false(JSON.stringify(registry.audit.ofTenant(acme, { limit: 50 })).includes('whsec_'));
  }
  t.false((await readFile(path)).includes(secret));
  {
    using registry = registryWith([second, first], path);
    t.deepEqual(registry.events.signingSecrets.rotate(), { rewrapped: 3, lost: 0 });
  }
  {
    using registry = registryWith([second], path);
    const { queues, signingSecrets } = registry.events;
    t.deepEqual(
      signingSecrets.values(acme, orders),
      ['a', 'c', 'd'].map((id) => `${secret}${id}`),
    );
    queues.remove(acme, orders, 5);
    queues.put(acme, orders, {}, 6);
    t.deepEqual(signingSecrets.values(acme, orders), []);
  }
  {
    using registry = registryWith([], path);
    const add = (): unknown =>
      registry.events.signingSecrets.add({ tenant: acme, queue: orders, id: 'z' }, secret, 7);
    t.throws(add, code('secrets_unavailable'));
  }
});
