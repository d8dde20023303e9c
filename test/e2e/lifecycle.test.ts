import test from 'ava';
import { withNote } from '../harness/component-note.ts';
import { exampleComponent } from '../harness/guests.ts';
import { fuelOf, type Json, lateField, startTestHost, type TestHost, testHost } from '../harness/host.ts';

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '3' } });
});
test.after.always(() => host.dispose());

const TINY = 'A mayfly lives for a day.\n';

test.serial('an uploaded component answers at its URL, and the answer says what it cost', async (t) => {
  // Another upload than any that this run of the suite has published: only such a one goes through the steps.
  const component = withNote(await exampleComponent('tiny-wat'), 'an uploaded component');
  const published = await host.deploy('tiny1', component);
  t.like(published, {
    tenant: 'default',
    name: 'tiny1',
    version: 1,
    world: 'wasi:http/incoming-handler@0.2.0',
  });
  t.regex(published.digest, /^sha256:[0-9a-f]{64}$/);
  t.true(published.steps.every((step: Json) => step.ms >= 0));
  t.deepEqual(
    published.steps.map((step: Json) => step.name),
    ['check', 'transpile', 'instrument', 'compile', 'store'],
  );

  const answer = await host.request(new URL(published.url).pathname);
  t.is(answer.status, 200);
  t.is(answer.text, TINY);
  t.regex(String(answer.headers['mayfly-invocation-id']), /^[0-9a-f-]{36}$/);
  t.true(Number(fuelOf(answer)) > 0);
  t.regex(lateField(answer, 'server-timing'), /^queue;dur=[\d.]+, init;dur=[\d.]+, exec;dur=[\d.]+$/);
});

test('the same call costs the same fuel, on every thread and after a restart', async (t) => {
  const own = await testHost(t);
  await own.deploy('tiny', await exampleComponent('tiny-wat'));
  const fuel = new Set<string>();
  const calls = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: 20 }, async () => {
        fuel.add(fuelOf(await own.call('tiny')));
      }),
    );
  await calls();
  await own.stop();
  await own.start();
  await calls();
  t.is(fuel.size, 1, [...fuel].join());
});

test('the request that follows a publish is served by it, on every thread', async (t) => {
  const [tiny, words] = [await exampleComponent('tiny-wat'), await exampleComponent('word-count-c')];
  for (let round = 0; round < 4; round++) {
    const { version } = await host.deploy('f3', round % 2 === 0 ? tiny : words);
    t.is(version, (round % 2) + 1);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => host.call('f3', '/', { headers: { connection: 'close' } })),
    );
    for (const { text } of answers) t.is(text === TINY, round % 2 === 0, text);
  }
});

test('the same bytes again are the same version, with 200 instead of 201', async (t) => {
  const body = await exampleComponent('tiny-wat');
  const put = (): Promise<{ status: number; json: Json }> =>
    host.api('/functions/f4', { method: 'PUT', headers: { 'content-type': 'application/wasm' }, body });
  const [first, second] = [await put(), await put()];
  t.deepEqual([first.status, second.status], [201, 200]);
  t.is(first.json.version, second.json.version);
  t.is(first.json.digest, second.json.digest);
});

test('one call goes back to an older version, and deleting takes the function away', async (t) => {
  await host.deploy('f5', await exampleComponent('tiny-wat'));
  await host.deploy('f5', await exampleComponent('word-count-c'));
  t.not((await host.call('f5')).text, TINY);
  const live = await host.api('/functions/f5/live', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"version":1}',
  });
  t.is(live.status, 200);
  t.is((await host.call('f5')).text, TINY);
  const { json } = await host.api('/functions/f5/versions');
  t.is((Array.isArray(json) ? json : json.versions).length, 2);
  t.is((await host.api('/functions/f5', { method: 'DELETE' })).status, 204);
  t.is(await host.failure('f5'), 'function_not_found');
  t.is((await host.api('/functions/f5')).json.code, 'function_not_found');
});

test('a restart keeps functions, versions, settings and logs', async (t) => {
  const own = await testHost(t);
  await own.deploy('f', await exampleComponent('tiny-wat'));
  await own.deploy('f', await exampleComponent('hello-ts'), {
    environment: { NAME: 'Grace' },
    memoryBytes: 64 * 2 ** 20,
  });
  await own.call('f');
  const log = await own.logs('f', 1);
  await own.stop();
  await own.start();
  t.is(JSON.parse((await own.call('f')).text).hello, 'Grace');
  t.is((await own.api('/functions/f')).json.configuration.memoryBytes, 64 * 2 ** 20);
  t.deepEqual((await own.logs('f', 1)).slice(0, 1), log);
  await own.api('/functions/f/live', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"version":1}',
  });
  t.is((await own.call('f')).text, TINY);
});

test('a TypeScript handler sees method, path, query and body, and its console is the log', async (t) => {
  await host.deploy('hello7', await exampleComponent('hello-ts'));
  const answer = await host.call('hello7', '/greet?name=Ada', { method: 'POST', body: 'good morning' });
  t.deepEqual(JSON.parse(answer.text), {
    hello: 'Ada',
    method: 'POST',
    path: '/greet',
    body: 'good morning',
  });
  t.deepEqual(await host.logs('hello7', 1), ['POST /greet']);
});

test('a command gets an event on standard input, and CGI variables when called by HTTP', async (t) => {
  await host.deploy('words8', await exampleComponent('word-count-c'));
  const event = await host.api('/functions/words8/invocations', { method: 'POST', body: 'one two three' });
  t.deepEqual(event.json, { lines: 0, words: 3, bytes: 13 });
  const http = JSON.parse((await host.call('words8', '/a?b', { method: 'PUT', body: 'x\ny' })).text);
  t.like(http, { words: 2, method: 'PUT', path: '/a' });
});

test('a handler called with an event does not see the key of the API', async (t) => {
  await host.deploy('hello9', await exampleComponent('hello-ts'));
  const { json } = await host.api('/functions/hello9/invocations', { method: 'POST', body: 'event' });
  t.like(json, { method: 'POST', path: '/', body: 'event' });
});

test('two fetches of one invocation are in flight together', async (t) => {
  const { createServer } = await import('node:http');
  // Each answers only once the other was asked as well: run one after the other, neither would ever end.
  let asked = 0;
  let release: () => void;
  const both = new Promise<void>((resolve) => {
    release = resolve;
  });
  const upstream = createServer((_request, response) => {
    if (++asked === 2) release();
    void both.then(() => response.end('both'));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.teardown(() => upstream.close());
  const { port } = upstream.address() as { port: number };
  await host.deploy('two10', await exampleComponent('fetch-two-ts'), { allowedHosts: [`127.0.0.1:${port}`] });
  const url = encodeURIComponent(`http://127.0.0.1:${port}/`);
  const answer = await host.call('two10', `/?first=${url}&second=${url}`);
  t.is(answer.status, 200, answer.text);
  t.deepEqual(
    JSON.parse(answer.text).results.map((result: Json) => result.body),
    ['both', 'both'],
  );
});

test("outbound requests are denied unless the function's settings allow the host", async (t) => {
  await host.deploy('two11', await exampleComponent('fetch-two-ts'));
  const answer = await host.call('two11', '/?first=http://127.0.0.1:9/&second=http://127.0.0.1:9/');
  t.is(answer.status, 502);
  t.regex(answer.text, /denied/i);
});

test('unknown functions, routes and methods answer with problem details', async (t) => {
  t.is(await host.failure('nobody'), 'function_not_found');
  for (const path of ['/fn/', '/fn/default', '/fn/DEFAULT/x/', '/fn/default/../../etc/passwd']) {
    const answer = await host.request(path);
    t.is(answer.status, 404, path);
    t.is(answer.headers['content-type'], 'application/problem+json', path);
  }
  t.is((await host.request('/nowhere')).status, 404);
});
