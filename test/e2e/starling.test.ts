/** A guest of 14 MB with a web runtime inside: published and called within the limits that functions get by default. */
import { createServer } from 'node:http';
import test from 'ava';
import { fuelOf, type Json, startTestHost, type TestHost } from '../harness/host.ts';
import { STARLING_GUEST as GUEST, starlingGuest } from '../harness/starling-guest.ts';
import { exchange } from '../harness/wire.ts';

let host: TestHost;
let published: Json;
test.before(async (t) => {
  t.timeout(300_000);
  [host] = await Promise.all([startTestHost({ env: { MAYFLY_THREADS: '1' } }), starlingGuest(GUEST)]);
  published = await host.deploy('star', await starlingGuest(GUEST));
});
test.after.always(() => host?.dispose());

test('it is published as what it exports', (t) => {
  t.is(published.world, 'wasi:http/incoming-handler@0.2.10');
});

test('it answers JSON, the same every time, and for the same fuel', async (t) => {
  const fuel = new Set<unknown>();
  for (let i = 0; i < 5; i++) {
    const answer = await host.call('star', '/json?q=a%20b', { headers: { 'x-test': 'yes' } });
    t.is(answer.status, 200, answer.text);
    t.deepEqual(JSON.parse(answer.text), { query: 'a b', header: 'yes', calls: 1 });
    fuel.add(fuelOf(answer));
  }
  t.is(fuel.size, 1);
  t.is((await host.call('star', '/nowhere')).status, 404);
});

test('it answers with a stream', async (t) => {
  const answer = await host.call('star', '/stream');
  t.is(answer.status, 201);
  t.is(answer.headers['x-streamed'], 'yes');
  t.is(answer.text, 'part 1\npart 2\npart 3\npart 4\npart 5\n');
});

test('it sends back a body of 4 MiB as it came', async (t) => {
  const body = Buffer.from(Uint8Array.from({ length: 4 * 2 ** 20 }, (_, i) => (i * 31) % 253));
  const answer = await exchange(host.running.port, { method: 'POST', path: '/fn/default/star/echo', body });
  t.is(answer.status, 200);
  t.true(answer.body.equals(body));
});

test('two fetches of one invocation are in flight together', async (t) => {
  // Each is answered once the other has arrived: one after the other, neither would end.
  const waiting: (() => void)[] = [];
  const upstream = createServer((_request, response) => {
    waiting.push(() => response.end('together'));
    if (waiting.length === 2) for (const answer of waiting) answer();
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.teardown(() => upstream.close());
  const authority = `127.0.0.1:${(upstream.address() as { port: number }).port}`;
  await host.deploy('fetching', await starlingGuest(GUEST), { allowedHosts: [authority] });
  const url = encodeURIComponent(`http://${authority}/`);
  const answer = await host.call('fetching', `/fetch?url=${url}&url=${url}`);
  t.is(answer.text, '["together","together"]');
});

test('what it writes to the console is its log, and what it throws is a failure of its own', async (t) => {
  await host.deploy('logging', await starlingGuest(GUEST));
  await host.call('logging', '/json?logged');
  t.deepEqual(await host.logs('logging', 1), ['GET ?logged']);
  const answer = await host.call('logging', '/throw');
  t.is(answer.status, 502);
  t.is(JSON.parse(answer.text).fault, 'function');
  const messages = await host.logs('logging', 3);
  t.true(
    messages.some((message) => message.includes('thrown on purpose')),
    messages.join('\n'),
  );
  t.is((await host.call('logging', '/json')).status, 200);
});
