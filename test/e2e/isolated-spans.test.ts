/** Traces through the process of an isolated tenant: its spans hang where the caller, the authorizer and the sender of a message put them. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { handlerFrom } from '../harness/handler-from.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { childrenOf } from '../harness/leaks.ts';
import { Operator } from '../harness/operator.ts';
import { OtlpReceiver, type ReceivedSpan } from '../harness/otlp-receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const SAMPLED = { traceparent: `00-${TRACE}-${CALLER}-01`, 'x-user': 'ada' };

const GUEST = `
export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/hang') for (;;);
    if (new URL(request.url).pathname === '/plain') return new Response('plain');
    context.span('work', { step: 1 }, () => {});
    const told = { told: request.headers.get('traceparent'), own: context.traceparent };
    return Response.json({ isAuthorized: true, context: told });
  },
  async queue(batch, env, context) { context.span('batch', () => {}); },
};`;

let receiver: OtlpReceiver;
let host: TestHost;
let operator: Operator;

test.before(async () => {
  receiver = await OtlpReceiver.start();
  host = await startTestHost({ env: receiver.spansAlone });
  operator = new Operator(host);
  await operator.tenant('apart');
  await operator.api('PATCH', '/tenants/apart/settings', { isolation: 'process' });
  const component = await handlerFrom(GUEST);
  for (const name of ['works', 'decides', 'guarded'])
    await operator.deploy('apart', name, component, { timeoutMs: 60_000, fuel: 1_000_000_000_000 });
  await operator.api('PATCH', '/tenants/apart/functions/guarded/configuration', {
    access: { type: 'authorizer', function: 'decides', identityHeaders: ['x-user'] },
  });
});
test.after.always(async () => {
  await host?.dispose();
  await receiver?.[Symbol.asyncDispose]();
});

/** A span of the isolated tenant, once it has come. */
function spanWhere(is: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
  return receiver.until(() =>
    receiver.spans.find((span) => span.attributes['mayfly.tenant'] === 'apart' && is(span)),
  );
}

test.serial(
  'a call of an isolated tenant has its span below its caller, and its guest its own below that',
  async (t) => {
    t.timeout(60_000);
    const answer = await operator.call('apart', 'works', { headers: SAMPLED });
    t.is(answer.status, 200, answer.text);
    const id = answer.headers['mayfly-invocation-id'];
    const whole = await spanWhere(
      ({ scope, attributes }) => scope === 'mayfly' && attributes['faas.invocation.id'] === id,
    );
    t.like(whole, { traceId: TRACE, parentSpanId: CALLER, name: 'apart/works', kind: 2 });
    t.like(whole.attributes, { 'mayfly.outcome': 'returned', 'http.response.status_code': 200 });
    const { told, own } = JSON.parse(answer.text).context;
    t.is(told, `00-${TRACE}-${whole.spanId}-01`);
    t.is(own, told);
    const work = await spanWhere(({ name }) => name === 'work');
    t.like(work, { traceId: TRACE, parentSpanId: whole.spanId, scope: 'mayfly.guest' });
    t.is(receiver.spans.filter(({ name }) => name === 'apart/works').length, 1, 'nobody else tells of it');
  },
);

test.serial('a call that has nothing to say but its own has its span, too', async (t) => {
  t.timeout(60_000);
  const answer = await host.request('/fn/apart/works/plain', { headers: SAMPLED });
  t.is(answer.text, 'plain');
  const plain = await spanWhere(({ attributes }) => attributes['url.path'] === '/plain');
  t.like(plain, { traceId: TRACE, parentSpanId: CALLER, name: 'apart/works', kind: 2, scope: 'mayfly' });
  t.is(plain.attributes['faas.invocation.id'], String(answer.headers['mayfly-invocation-id']));
});

test.serial('an authorizer hangs below the call that it decides over, in whichever process', async (t) => {
  t.timeout(60_000);
  const answer = await operator.call('apart', 'guarded', { headers: SAMPLED });
  t.is(answer.status, 200, answer.text);
  const guarded = await spanWhere(({ name }) => name === 'apart/guarded');
  const decides = await spanWhere(({ name }) => name === 'apart/decides');
  t.like(decides, { traceId: TRACE, parentSpanId: guarded.spanId });
});

test.serial("a message continues its sender's trace", async (t) => {
  t.timeout(60_000);
  await operator.api('PUT', '/tenants/apart/queues/jobs', {});
  const mapping = { source: { type: 'queue', queue: 'jobs' }, function: 'works' };
  const made = await operator.api('PUT', '/tenants/apart/event-source-mappings/jobs', mapping);
  t.true(made.status < 300, JSON.stringify(made.json));
  const sent = await host.request('/v1/tenants/apart/queues/jobs/messages', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${host.running.adminKey.key}`,
      'content-type': 'text/plain',
      traceparent: `00-${'1'.repeat(32)}-${CALLER}-01`,
    },
    body: 'x',
  });
  t.is(sent.status, 202, sent.text);
  const batch = await spanWhere(({ name }) => name === 'batch');
  const whole = await spanWhere(({ kind, traceId }) => kind === 5 && traceId === '1'.repeat(32));
  t.is(whole.parentSpanId, CALLER);
  t.like(batch, { traceId: '1'.repeat(32), parentSpanId: whole.spanId });
});

test.serial('what a process was running when it died has a span that says so', async (t) => {
  t.timeout(60_000);
  const hanging = host.request('/fn/apart/works/hang', { headers: SAMPLED });
  const pid = childrenOf(process.pid).find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('isolated-process'),
  )!;
  while ((await operator.quota('apart', 'concurrency')).used === 0) await betweenLooks();
  process.kill(pid, 'SIGKILL');
  const answer = await hanging;
  t.is(JSON.parse(answer.text).code, 'worker_lost');
  const lost = await spanWhere(({ attributes }) => attributes['mayfly.outcome'] === 'worker_lost');
  t.like(lost, { traceId: TRACE, parentSpanId: CALLER, status: 2 });
});
