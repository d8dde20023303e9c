/** What comes of events, by what a guest does with them, on both roads. */
import test from 'ava';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import { LIMIT, TENANT_COUNT } from '../../host/scheduler/quota-table.ts';
import { artifactOf } from '../harness/artifact.ts';
import { eventGuest, mistypedGuest } from '../harness/event-guests.ts';
import { batch, EventServing, event, message, SENT_AT_MS, tick } from '../harness/event-serving.ts';
import { OPEN_COLUMN } from '../harness/open-quotas.ts';

const ROADS = ['linked', 'glue'] as const;
const both: Partial<Record<(typeof ROADS)[number], LoadedArtifact>> = {};
let queueOnly: LoadedArtifact;

test.before(async () => {
  const upload = await eventGuest('queue and schedule');
  for (const road of ROADS) both[road] = await artifactOf(upload, road);
  queueOnly = await artifactOf(await eventGuest('queue'));
});

test('a component of event handlers alone is published on the linked road, and names them', (t) => {
  t.is(both.linked!.road.kind, 'linked', both.linked!.manifest.roadReason ?? '');
  t.like(both.linked!.manifest, {
    handler: 'mayfly:events/queue-handler@0.1',
    world: 'mayfly:events/queue-handler@0.1.0',
  });
  t.deepEqual(Object.keys(both.linked!.manifest.eventHandlers), ['queue', 'schedule']);
  t.deepEqual(Object.keys(queueOnly.manifest.eventHandlers), ['queue']);
});

for (const road of ROADS) {
  const serve = (): EventServing => new EventServing(both[road]!);

  test(`${road}: a batch of which nothing fails is done`, async (t) => {
    using serving = serve();
    const outcome = await serving.deliver(batch('k', 'second'));
    t.like(outcome, { kind: 'returned', failures: [] });
    t.true(outcome.kind === 'returned' && outcome.fuel > 0);
  });

  test(`${road}: messages fail one by one, and every field arrives where the guest reads it`, async (t) => {
    using serving = serve();
    const again = { attempts: 2, attributes: { 'ce-type': 'x' }, contentType: 'text/plain' };
    const messages = [
      message('first', '?'),
      message('second', '', { ...again, groupKey: 'grüße' }),
      message('third', 'x'.repeat(100_000), again),
      message('fourth', 'x', { groupKey: 'first attempt' }),
      message('fifth', 'x', { ...again, groupKey: 'b' }),
    ];
    t.like(await serving.deliver({ kind: 'batch', source: 'orders', messages }), {
      kind: 'returned',
      failures: [
        { id: 'second', detail: 'grüße' },
        { id: 'fifth', detail: 'b' },
      ],
    });
  });

  test(`${road}: a tick comes to the schedule handler`, async (t) => {
    using serving = serve();
    t.like(await serving.deliver(tick('now')), { kind: 'returned', failures: [] });
    t.like(await serving.deliver(tick('error')), {
      kind: 'failed',
      cause: { code: 'event_failed', detail: 'all of it' },
      isRetryable: true,
    });
  });

  const FAILURES = [
    ['e', 'event_failed', /^all of it$/],
    ['t', 'function_trapped', /unreachable/],
    ['u', 'batch_answer_invalid', /no message of the batch has the id "nobody"/i],
    ['m', 'batch_answer_invalid', /named 3 failures of 2 messages/],
    ['b', 'function_trapped', /./],
  ] as const;
  for (const [what, code, detail] of FAILURES) {
    test(`${road}: a batch that is answered with '${what}' fails as a whole: ${code}`, async (t) => {
      using serving = serve();
      const outcome = await serving.deliver(batch(what, 'second'));
      if (outcome.kind !== 'failed') return t.fail(JSON.stringify(outcome));
      t.is(outcome.cause.code, code);
      t.regex(outcome.cause.detail, detail);
      t.true(outcome.fuel > 0);
      t.deepEqual(serving.reports, []);
      // What follows is not touched by it.
      t.like(await serving.deliver(batch('k')), { kind: 'returned', failures: [] });
    });
  }

  test(`${road}: a guest that runs for ever is ended by its fuel, and by its time`, async (t) => {
    using serving = new EventServing(both[road]!, { configuration: { fuel: 20_000_000 } });
    t.like(await serving.deliver(batch('l')), { kind: 'failed', cause: { code: 'fuel_exhausted' } });
    using late = new EventServing(both[road]!, { configuration: { fuel: 1e15, timeoutMs: 50 } });
    t.like(await late.deliver(batch('l')), {
      kind: 'failed',
      cause: { code: 'timed_out' },
      isRetryable: true,
    });
  });

  test(`${road}: of a huge detail the beginning is kept`, async (t) => {
    using serving = serve();
    const outcome = await serving.deliver(batch('d'));
    if (outcome.kind !== 'returned') return t.fail(JSON.stringify(outcome));
    t.is(outcome.failures[0]?.detail.length, 500);
  });
}

const MISTYPED = [
  ['func() -> u32', '(result i32) (i32.const 7)', 'batch_answer_invalid'],
  ['func()', '', 'batch_answer_invalid'],
  ['func(batch: list<u8>) -> list<u32>', '(param i32 i32) (result i32) (i32.const 0)', 'function_trapped'],
  ['func(a: string, b: u64)', '(param i32 i32 i64)', 'function_trapped'],
] as const;

for (const [type, core, code] of MISTYPED) {
  test(`a handler that is declared as ${type} fails each event`, async (t) => {
    const upload = await mistypedGuest(type, core);
    for (const road of ROADS) {
      using serving = new EventServing(await artifactOf(upload, road), {
        configuration: { timeoutMs: 2_000 },
      });
      const outcome = await serving.deliver(batch('k'));
      t.is(outcome.kind, 'failed');
      if (road === 'linked') t.like(outcome, { cause: { code } });
      t.deepEqual(serving.reports, []);
    }
  });
}

test('a text of the guest that is not UTF-8 is a trap', async (t) => {
  using serving = new EventServing(both.linked!);
  t.like(await serving.deliver(batch('x')), { kind: 'failed', cause: { code: 'function_trapped' } });
});

test('a single event is a batch of one to a component that takes no requests', async (t) => {
  using serving = new EventServing(queueOnly);
  t.like(await serving.deliver(event('k')), { kind: 'returned', failures: [] });
  t.like(await serving.deliver(tick('k')), { kind: 'returned', failures: [] });
  const failed = message('e0', '?', { attempts: 2, groupKey: 'why' });
  t.like(await serving.deliver({ kind: 'event', message: failed }), {
    kind: 'failed',
    cause: { code: 'event_failed', detail: 'why' },
  });
});

test('a rewound instance takes the fuel of a fresh one, whatever was handled before', async (t) => {
  using rewound = new EventServing(both.linked!);
  using fresh = new EventServing(both.linked!, { road: 'fresh' });
  const fuelOf = async (serving: EventServing, what: string): Promise<number> => {
    const outcome = await serving.deliver(batch(what, 'a message', 'another one'));
    await serving.idle();
    return outcome.kind === 'refused' ? Number.NaN : outcome.fuel;
  };
  for (const what of ['k', 'd', 'e', 't', '?', 'k', 'u', 'k'])
    t.is(await fuelOf(rewound, what), await fuelOf(fresh, what), what);
  t.true(rewound.slots.counts.idle > 0);
});

test('the invoker knows whether an invocation shares its thread with another one', async (t) => {
  using serving = new EventServing(queueOnly);
  const { invoker, route } = serving;
  const invoke = (): Promise<unknown> =>
    invoker.run(route!, { trigger: 'queue' }, undefined, () => {
      throw new Error('is not run');
    });
  t.true(invoker.hasOneAtMost);
  const first = t.throwsAsync(invoke(), { message: 'is not run' });
  t.true(invoker.hasOneAtMost);
  const second = t.throwsAsync(invoke(), { message: 'is not run' });
  t.false(invoker.hasOneAtMost);
  await Promise.all([first, second]);
  t.true(invoker.hasOneAtMost);
});

test("where a tenant's places are taken an event is refused, though requests could wait", async (t) => {
  using serving = new EventServing(queueOnly);
  serving.table.setLimit(OPEN_COLUMN, LIMIT.concurrency, 1);
  const [one, other] = await Promise.all([serving.deliver(batch('k')), serving.deliver(batch('k'))]);
  t.like(one, { kind: 'returned' });
  t.like(other, { kind: 'refused', cause: { code: 'quota_exceeded' }, retryAfterMs: 50 });
  t.is(serving.table.tenantCount(OPEN_COLUMN, TENANT_COUNT.waiting), 0);
  t.like(await serving.deliver(batch('k')), { kind: 'returned' });
});

test('what is not run is refused, and says when to come back', async (t) => {
  using serving = new EventServing(queueOnly, { configuration: { concurrency: 1 } });
  const { route } = serving;
  serving.route = undefined;
  t.like(await serving.deliver(batch('k')), {
    kind: 'refused',
    cause: { code: 'function_not_found' },
    retryAfterMs: 10_000,
  });
  serving.route = {
    ...route!,
    quarantine: {
      tenant: route!.live.tenant,
      name: route!.live.name,
      version: 1,
      sinceMs: SENT_AT_MS,
      reason: 'it kills',
    },
  };
  t.like(await serving.deliver(batch('k')), { kind: 'refused', cause: { code: 'function_quarantined' } });
  serving.route = route;
  serving.isDraining = true;
  t.like(await serving.deliver(batch('k')), { kind: 'refused', cause: { code: 'draining' } });
  serving.isDraining = false;
  const [one, other] = await Promise.all([serving.deliver(batch('k')), serving.deliver(batch('k'))]);
  t.like(one, { kind: 'returned' });
  t.like(other, { kind: 'refused', cause: { code: 'too_many_invocations' }, retryAfterMs: 50 });
  t.deepEqual(serving.reports, []);
});
