import test from 'ava';
import { ControlPlaneServer, problemOf } from './control-plane-server.ts';

const SCHEDULES = '/v1/tenants/default/schedules';

// biome-ignore lint/suspicious/noExplicitAny: a test reads JSON of many shapes
type Json = any;

async function serverAt(time: string): Promise<ControlPlaneServer> {
  const server = await ControlPlaneServer.start();
  server.nowMs = () => Date.parse(time);
  await server.publish('hello', 'one');
  return server;
}

test('a schedule shows its next ticks, in its time zone, over a change of the clocks', async (t) => {
  await using server = await serverAt('2026-10-23T12:00:00Z');
  const expression = { type: 'cron', expression: '30 3 * * *', timeZone: 'Europe/Berlin' };
  const created = await server.sendJson('PUT', `${SCHEDULES}/nightly`, { function: 'hello', expression });
  t.is(created.status, 201);
  const schedule = (await created.json()) as Json;
  t.deepEqual(schedule.nextTicks, [
    '2026-10-24T01:30:00.000Z',
    '2026-10-25T02:30:00.000Z',
    '2026-10-26T02:30:00.000Z',
    '2026-10-27T02:30:00.000Z',
    '2026-10-28T02:30:00.000Z',
  ]);
  t.like(schedule, {
    enabled: true,
    missedTicks: 'last',
    jitterMs: 0,
    input: '{}',
    contentType: 'application/json',
  });
  const paused = await server.sendJson('PATCH', `${SCHEDULES}/nightly`, { enabled: false });
  t.deepEqual(((await paused.json()) as Json).nextTicks, []);
  t.is(((await (await server.request('GET', SCHEDULES)).json()) as Json)[0].name, 'nightly');
  t.is((await server.request('DELETE', `${SCHEDULES}/nightly`)).status, 204);
  t.is((await problemOf(await server.request('DELETE', `${SCHEDULES}/nightly`))).code, 'schedule_not_found');
});

test('one tick at a time, and ticks at a rate', async (t) => {
  await using server = await serverAt('2026-10-23T12:00:00Z');
  const put = async (name: string, expression: object): Promise<Json> =>
    (await server.sendJson('PUT', `${SCHEDULES}/${name}`, { function: 'hello', expression })).json();
  const once = await put('once', { type: 'at', at: '2027-01-01T00:00:00+01:00' });
  t.deepEqual(once.nextTicks, ['2026-12-31T23:00:00.000Z']);
  const { nextTicks } = await put('often', { type: 'rate', everyMs: 90_000 });
  t.is(nextTicks.length, 5);
  for (const [index, tick] of nextTicks.slice(1).entries())
    t.is(Date.parse(tick) - Date.parse(nextTicks[index]), 90_000);
});

test('a schedule that would never strike is refused, naming what is wrong', async (t) => {
  await using server = await serverAt('2026-10-23T12:00:00Z');
  for (const [expression, field] of [
    [{ type: 'cron', expression: '99 3 * * *' }, 'expression.expression'],
    [{ type: 'cron', expression: '0 3 30 2 *' }, 'expression'],
    [{ type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Nowhere' }, 'expression.timeZone'],
    [{ type: 'at', at: '2026-10-23T11:59:59Z' }, 'expression'],
    [{ type: 'rate', everyMs: 10 }, 'expression.everyMs'],
  ] as const) {
    const response = await server.sendJson('PUT', `${SCHEDULES}/x`, { function: 'hello', expression });
    t.like(await problemOf(response), { code: 'invalid_request', field });
  }
  const nowhere = { function: 'nope', expression: { type: 'rate', everyMs: 1_000 } };
  const response = await server.sendJson('PUT', `${SCHEDULES}/x`, nowhere);
  t.is((await problemOf(response)).code, 'function_not_found');
  t.deepEqual(await (await server.request('GET', SCHEDULES)).json(), []);
});
