import test from 'ava';
import { Cron } from 'croner';
import { MayflyError } from '../../host/errors/errors.ts';
import { QUEUE_LIMITS, SCHEDULE_LIMITS } from '../../host/limits/event-limits.ts';
import { defaultEventInvokeConfig } from '../../host/model/event-invoke-config.ts';
import type { FunctionName, ScheduleName } from '../../host/model/ids.ts';
import type { QueueId } from '../../host/model/queue.ts';
import type { QueueMessage } from '../../host/model/queue-message.ts';
import {
  defaultScheduleSettings,
  type Schedule,
  type ScheduleExpression,
  type ScheduleSettings,
} from '../../host/model/schedule.ts';
import type { QueueEngine } from '../../host/store/queues/queue-engine.ts';
import type { SentTick } from '../../host/triggers/ports.ts';
import { Schedules } from '../../host/triggers/schedules.ts';
import { FUNCTION, TENANT } from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

const FUNCTION_QUEUE: QueueId = { kind: 'function', tenant: TENANT, name: FUNCTION };
const MINUTE_MS = 60_000;
const HOURLY: ScheduleExpression = { type: 'cron', expression: '0 * * * *', timeZone: 'UTC' };
const MINUTELY: ScheduleExpression = { type: 'cron', expression: '* * * * *', timeZone: 'UTC' };

/** What is written down of schedules; hosts share it here, as they do a queue. */
class ScheduleBook {
  readonly schedules = new Map<string, Schedule>();
  readonly #listeners = new Set<(name: ScheduleName) => void>();
  readonly saves: (readonly SentTick[])[] = [];
  readonly clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  put(name: string, expression: ScheduleExpression, more: Partial<ScheduleSettings> = {}): void {
    const nowMs = this.clock.nowMs();
    const old = this.schedules.get(name);
    this.schedules.set(name, {
      tenant: TENANT,
      name: name as ScheduleName,
      function: FUNCTION,
      settings: { ...defaultScheduleSettings(expression), ...more },
      lastTickMs: old?.lastTickMs,
      createdAtMs: old?.createdAtMs ?? nowMs,
      updatedAtMs: nowMs,
    });
    for (const listener of this.#listeners) listener(name as ScheduleName);
  }

  host(engine: Pick<QueueEngine, 'send'>, reports: string[] = []): Schedules {
    const schedules = new Schedules({
      engine,
      clock: this.clock,
      random: () => 0.5,
      report: (message) => reports.push(message),
      definitions: {
        schedules: () => this.schedules.values(),
        schedule: (_tenant, name) => this.schedules.get(name),
        onScheduleChange: (listener) => {
          const call = (name: ScheduleName): void => listener(TENANT, name);
          this.#listeners.add(call);
          return () => this.#listeners.delete(call);
        },
        saveTicks: (ticks) => {
          this.saves.push(ticks);
          for (const { name, tickMs } of ticks) {
            const schedule = this.schedules.get(name);
            if (schedule !== undefined) this.schedules.set(name, { ...schedule, lastTickMs: tickMs });
          }
        },
        functionFacts: (_tenant, name) =>
          name === FUNCTION
            ? { timeoutMs: 1_000, allowedHosts: [], invokeConfig: defaultEventInvokeConfig() }
            : undefined,
      },
    });
    schedules.start();
    return schedules;
  }
}

async function ticksIn(engine: MemoryEngine): Promise<string[]> {
  const { messages } = await engine.peek(FUNCTION_QUEUE, 'ready');
  return messages.map(({ attributes }: QueueMessage) =>
    new Date(Number(attributes['mayfly-scheduled-at'])).toISOString().slice(5, 19),
  );
}

test('a tick is an event of the function, and noted when it is durable', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('hourly', HOURLY, { input: '{"a":1}' });
  const schedules = book.host(engine);
  await clock.pass(150 * MINUTE_MS);
  t.deepEqual(await ticksIn(engine), ['01-01T01:00:00', '01-01T02:00:00']);
  const [message] = (await engine.peek(FUNCTION_QUEUE, 'ready')).messages;
  t.is(Buffer.from(message!.body).toString(), '{"a":1}');
  t.like(message!.attributes, { 'mayfly-schedule': 'hourly', 'mayfly-cron': '0 * * * *' });
  t.is(message!.deduplicationKey, `schedule/hourly/${Date.UTC(2026, 0, 1, 1)}`);
  t.is(book.schedules.get('hourly')!.lastTickMs, Date.UTC(2026, 0, 1, 2));
  t.is(schedules.nextTickMs(TENANT, 'hourly' as ScheduleName), Date.UTC(2026, 0, 1, 3));
  await schedules.stop();
  t.is(clock.timers, 0);
});

test('two hosts make one event of a tick, jitter included', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('hourly', HOURLY, { jitterMs: 10 * MINUTE_MS });
  book.host(engine);
  book.host(engine);
  await clock.pass(60 * MINUTE_MS);
  t.is((await engine.counts(FUNCTION_QUEUE)).delayed, 1);
  await clock.pass(600 * MINUTE_MS);
  t.is((await ticksIn(engine)).length, 11);
});

const DOWN: readonly (readonly [missedTicks: ScheduleSettings['missedTicks'], expected: string[]])[] = [
  ['skip', ['01-01T01:00:00', '01-01T06:00:00']],
  ['last', ['01-01T01:00:00', '01-01T05:00:00', '01-01T06:00:00']],
  [
    'all',
    [
      '01-01T01:00:00',
      '01-01T02:00:00',
      '01-01T03:00:00',
      '01-01T04:00:00',
      '01-01T05:00:00',
      '01-01T06:00:00',
    ],
  ],
];

for (const [missedTicks, expected] of DOWN) {
  test(`of ticks that were missed while no host ran, ${missedTicks} is sent`, async (t) => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const book = new ScheduleBook(clock);
    book.put('hourly', HOURLY, { missedTicks });
    const before = book.host(engine);
    await clock.pass(61 * MINUTE_MS);
    await before.stop();
    await clock.pass(270 * MINUTE_MS);
    book.host(engine);
    await clock.pass(60 * MINUTE_MS);
    t.deepEqual(await ticksIn(engine), expected);
  });

  test(`a clock that jumps over ticks has missed them (${missedTicks}); set back, it strikes none twice`, async (t) => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const book = new ScheduleBook(clock);
    book.put('hourly', HOURLY, { missedTicks });
    book.host(engine);
    await clock.pass(61 * MINUTE_MS);
    clock.jump(270 * MINUTE_MS);
    await clock.pass(2 * MINUTE_MS);
    clock.jump(-240 * MINUTE_MS);
    await clock.pass(300 * MINUTE_MS);
    t.deepEqual(await ticksIn(engine), expected);
  });
}

test('a tick that comes while the host restarts is late, not missed', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('minutely', MINUTELY, { missedTicks: 'skip' });
  const before = book.host(engine);
  await clock.pass(90_000);
  await before.stop();
  await clock.pass(40_000);
  book.host(engine);
  await quiet();
  await clock.pass(1);
  t.deepEqual(await ticksIn(engine), ['01-01T00:01:00', '01-01T00:02:00']);
});

test('missed ticks are made up for as long as other hosts’ are known: the latest thousand of a day', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('hourly', HOURLY, { missedTicks: 'all' });
  book.put('minutely', MINUTELY, { missedTicks: 'all' });
  await clock.pass(3 * 24 * 60 * MINUTE_MS);
  book.host(engine);
  await clock.pass(1);
  const { messages } = await engine.peek(FUNCTION_QUEUE, 'ready');
  const of = (name: string): number =>
    messages.filter(({ attributes }) => attributes['mayfly-schedule'] === name).length;
  t.is(of('hourly'), 24);
  t.is(of('minutely'), 1_000);
});

for (const missedTicks of ['last', 'skip'] as const) {
  test.serial(
    `a day of missed ticks of which at most one is wanted costs no look at each (${missedTicks})`,
    async (t) => {
      const clock = new VirtualClock();
      const engine = new MemoryEngine(clock);
      const book = new ScheduleBook(clock);
      book.put('minutely', MINUTELY, { missedTicks });
      await clock.pass(24 * 60 * MINUTE_MS);
      const { nextRun } = Cron.prototype;
      t.teardown(() => {
        Cron.prototype.nextRun = nextRun;
      });
      let looks = 0;
      Cron.prototype.nextRun = function (...args) {
        looks++;
        return nextRun.apply(this, args);
      };
      book.host(engine);
      await clock.pass(1);
      t.is((await ticksIn(engine)).length, 1);
      t.true(looks < 20, `${looks} looks`);
    },
  );
}

test('schedules that have much to make up for leave turns of the event loop in between', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  for (let index = 0; index < 10; index++) book.put(`s${index}`, MINUTELY, { missedTicks: 'all' });
  await clock.pass(24 * 60 * MINUTE_MS);
  let turns = 0;
  const after = clock.after.bind(clock);
  clock.after = (delayMs, run) => {
    return after(delayMs, () => {
      turns++;
      run();
    });
  };
  book.host(engine);
  await clock.pass(1);
  t.is((await ticksIn(engine)).length, 10_000);
  t.true(turns > 2, `${turns} turns`);
});

test('a clock that was far ahead does not silence a schedule until then', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('hourly', HOURLY, { missedTicks: 'skip' });
  book.host(engine);
  clock.jump(365 * 24 * 60 * MINUTE_MS);
  await clock.pass(2 * MINUTE_MS);
  clock.jump(-365 * 24 * 60 * MINUTE_MS);
  await clock.pass(61 * MINUTE_MS);
  t.deepEqual((await ticksIn(engine)).slice(-1), ['01-01T01:00:00']);
});

test('while the queue is away ticks wait for it, and are noted afterwards', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('minutely', MINUTELY, { missedTicks: 'skip' });
  let isAway = true;
  const reports: string[] = [];
  const send: QueueEngine['send'] = async (queue, settings, messages) => {
    if (isAway) throw new MayflyError('queue_unavailable', 'away');
    return await engine.send(queue, settings, messages);
  };
  book.host({ send }, reports);
  await clock.pass(5 * MINUTE_MS + 1);
  t.deepEqual(book.saves, []);
  isAway = false;
  await clock.pass(30_000);
  t.is((await ticksIn(engine)).length, 5);
  t.is(book.schedules.get('minutely')!.lastTickMs, Date.UTC(2026, 0, 1, 0, 5));
  t.regex(reports[0]!, /wait for their queue/);
});

test('however many ticks waited, and however long their input, no call of the queue is larger than it takes', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('minutely', MINUTELY, { input: 'é'.repeat(SCHEDULE_LIMITS.inputCharacters) });
  let isAway = true;
  const largest = { messages: 0, bytes: 0 };
  const send: QueueEngine['send'] = async (queue, settings, messages) => {
    if (isAway) throw new MayflyError('queue_unavailable', 'away');
    largest.messages = Math.max(largest.messages, messages.length);
    largest.bytes = Math.max(
      largest.bytes,
      messages.reduce((sum, { body }) => sum + body.length, 0),
    );
    return await engine.send(queue, settings, messages);
  };
  book.host({ send });
  await clock.pass(200 * MINUTE_MS);
  isAway = false;
  await clock.pass(MINUTE_MS);
  t.is((await ticksIn(engine)).length, 201);
  t.true(largest.bytes <= QUEUE_LIMITS.sendBytes, `${largest.bytes} bytes in a call`);
  t.true(largest.messages > 1);
  t.is(book.schedules.get('minutely')!.lastTickMs, Date.UTC(2026, 0, 1, 3, 21));
});

test('a host that was cut off from the queue for days sends nothing again that another one has sent', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('hourly', HOURLY);
  let isCutOff = true;
  const send: QueueEngine['send'] = async (queue, settings, messages) => {
    if (isCutOff) throw new MayflyError('queue_unavailable', 'cut off');
    return await engine.send(queue, settings, messages);
  };
  book.host(engine);
  book.host({ send });
  await clock.pass(48 * 60 * MINUTE_MS);
  isCutOff = false;
  await clock.pass(MINUTE_MS);
  const ticks = await ticksIn(engine);
  t.is(new Set(ticks).size, 48);
  t.is(ticks.length, 48);
});

test('what is disabled, deleted or for no function strikes nothing; what is enabled again begins anew', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('minutely', MINUTELY, { missedTicks: 'all' });
  book.schedules.set('orphan', {
    ...book.schedules.get('minutely')!,
    name: 'orphan' as ScheduleName,
    function: 'gone' as FunctionName,
  });
  const schedules = book.host(engine);
  await clock.pass(90_000);
  book.put('minutely', MINUTELY, { enabled: false });
  await clock.pass(10 * MINUTE_MS);
  t.deepEqual(await ticksIn(engine), ['01-01T00:01:00']);
  book.put('minutely', MINUTELY, { missedTicks: 'all' });
  await clock.pass(MINUTE_MS);
  t.deepEqual(await ticksIn(engine), ['01-01T00:01:00', '01-01T00:12:00']);
  t.is(schedules.nextTickMs(TENANT, 'nobody' as ScheduleName), undefined);
});

test('a change of the input keeps the ticks; one of the expression takes effect at once', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const book = new ScheduleBook(clock);
  book.put('job', HOURLY);
  book.host(engine);
  await clock.pass(59 * MINUTE_MS);
  book.put('job', HOURLY, { input: 'new' });
  await clock.pass(MINUTE_MS);
  book.put('job', MINUTELY);
  await clock.pass(2 * MINUTE_MS);
  t.deepEqual(await ticksIn(engine), ['01-01T01:00:00', '01-01T01:01:00', '01-01T01:02:00']);
  t.is(Buffer.from((await engine.peek(FUNCTION_QUEUE, 'ready')).messages[0]!.body).toString(), 'new');
});

test('ten thousand schedules have one timer, and those of one minute are noted together', async (t) => {
  const clock = new VirtualClock();
  const book = new ScheduleBook(clock);
  for (let index = 0; index < 10_000; index++)
    book.put(`s${index}`, {
      type: 'cron',
      expression: `${index % 60} ${index % 24} * * *`,
      timeZone: 'Europe/Berlin',
    });
  let sends = 0;
  const schedules = book.host({
    send: async () => {
      sends++;
      return [];
    },
  });
  await clock.pass(1);
  t.is(clock.timers, 1);
  await clock.pass(24 * 60 * MINUTE_MS - 1);
  t.is(sends, 10_000);
  t.true(book.saves.length < 1_500, `${book.saves.length} transactions`);
  await schedules.stop();
});
