import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type BuiltHandler, buildHandler } from '../../guest-sdk/build/handler.ts';
import { type Guest, loadGuest, type Sent } from './component-run.ts';

let built: BuiltHandler;
let guest: Guest;

test.before(async () => {
  built = await buildHandler(fileURLToPath(new URL('./guests/everything.ts', import.meta.url)));
  guest = await loadGuest(built.component);
});
test.after.always(() => guest?.[Symbol.asyncDispose]());

test('a handler sees method, URL, headers and body, and answers in JSON', async (t) => {
  const answer = await guest.call({
    method: 'POST',
    path: '/echo?q=a%20b',
    headers: { 'content-type': 'text/x-test' },
    body: ['gr', 'üß', ' 🪰'],
  });
  t.is(answer.status, 200);
  t.is(answer.headers['content-type'], 'application/json');
  t.is(answer.headers['content-length'], String(answer.bytes.length));
  t.deepEqual(JSON.parse(answer.text), {
    method: 'POST',
    url: 'http://test.example/echo?q=a%20b',
    type: 'text/x-test',
    body: 'grüß 🪰',
  });
});

test('URL and headers are there after the body was read, too', async (t) => {
  const headers = { 'content-type': 'text/x-test' };
  const answer = await guest.call({ method: 'POST', path: '/body-first', headers, body: ['all'] });
  t.deepEqual(JSON.parse(answer.text), {
    body: 'all',
    url: 'http://test.example/body-first',
    type: 'text/x-test',
  });
});

test('a method that HTTP does not define arrives as it is', async (t) => {
  t.is(JSON.parse((await guest.call({ method: 'PURGE', path: '/echo' })).text).method, 'PURGE');
});

test('bytes go through unchanged', async (t) => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => at % 251);
  const answer = await guest.call({ method: 'POST', path: '/bytes', body: [bytes] });
  t.deepEqual(answer.bytes, Buffer.from(bytes).reverse());
});

test('the second argument is the environment', async (t) => {
  const answer = await guest.call({ path: '/env', env: { NAME: 'Ada', EMPTY: '' } });
  t.deepEqual(JSON.parse(answer.text), { NAME: 'Ada', EMPTY: '' });
});

test('a ReadableStream is a response body', async (t) => {
  const answer = await guest.call({ path: '/stream' });
  t.is(answer.text, 'one,zwei é');
  t.is(answer.headers['content-type'], 'text/plain');
  t.is(answer.headers['content-length'], undefined);
});

test('an async iterable transforms the request body chunk by chunk', async (t) => {
  t.is((await guest.call({ method: 'POST', path: '/upper', body: ['one ', 'two'] })).text, 'ONE TWO');
});

test('a GET request has no body, and one whose body nobody reads is answered', async (t) => {
  t.is((await guest.call({ path: '/body' })).text, 'null');
  t.is((await guest.call({ method: 'POST', path: '/body', body: ['x'] })).text, 'stream, x');
  t.is((await guest.call({ method: 'POST', path: '/env', body: ['unread'] })).text, '{}');
});

test('text, bytes and no body at all go out with the headers that belong to them', async (t) => {
  const { headers, text } = await guest.call({ path: '/text' });
  t.is(text, 'grüße');
  t.deepEqual(headers, { 'content-type': 'text/plain;charset=UTF-8', 'content-length': '7' });
  const none = await guest.call({ path: '/none' });
  t.is(none.status, 202);
  t.deepEqual([none.headers, none.text], [{ 'x-a': 'caf\u00e9' }, '']);
});

for (const path of ['/text', '/json', '/json-status', '/bytes', '/none', '/long', '/stream']) {
  test(`a host that has no shortcut for responses gets the same one: ${path}`, async (t) => {
    const call = { method: 'POST', path, body: ['abc'] };
    const [whole, inParts] = [await guest.call(call), await guest.call({ ...call, inParts: true })];
    t.true(whole.bytes.length > 0 || path === '/none');
    t.deepEqual({ ...inParts }, { ...whole });
  });
}

test('a response whose body was read is none that can be sent', async (t) => {
  const error = await t.throwsAsync(() => guest.call({ path: '/twice' }), { any: true });
  t.like(error, { tag: 'internal-error', val: 'TypeError: the body has been read already' });
});

for (const path of ['/env', '/text', '/stream', '/none', '/body', '/long']) {
  test(`an instance that is called again gives back what the call before left: ${path}`, async (t) => {
    const call = { method: 'POST', path, body: ['x'], env: { A: '1' } };
    const [once, thrice] = [await guest.call(call), await guest.call({ ...call, times: 3 })];
    t.is(thrice.status, once.status);
    t.is(thrice.text.length, once.text.length);
    t.deepEqual(thrice.headers, once.headers);
  });
}

test('two fetches are in flight together', async (t) => {
  const bothAreThere = Promise.withResolvers<void>();
  let count = 0;
  const answer = await guest.call({
    path: '/both?url=http://a.example/1&url=http://b.example/2',
    async outbound({ url }: Sent) {
      count++;
      if (count === 2) bothAreThere.resolve();
      // Neither is answered before both have been asked: one after the other would never end.
      await bothAreThere.promise;
      return { status: 200, body: url };
    },
  });
  t.is(answer.text, 'http://a.example/1+http://b.example/2');
});

test('fetch sends method, headers and body, and reads the answer', async (t) => {
  const sent: Sent[] = [];
  const answer = await guest.call({
    path: '/post',
    outbound: async (request) => {
      sent.push(request);
      return { status: 201, headers: { 'x-seen': 'yes' }, body: '{"ok":true}' };
    },
  });
  t.deepEqual(JSON.parse(answer.text), { status: 201, seen: 'yes', body: { ok: true } });
  t.is(sent[0]?.method, 'POST');
  t.is(sent[0]?.url, 'https://api.example:8443/in?x=1');
  t.is(sent[0]?.body, '{"a":1}');
  t.is(sent[0]?.headers['x-one'], '1');
  t.is(sent[0]?.headers['content-length'], '7');
});

test('fetch follows a redirect, and takes no credentials to another origin', async (t) => {
  const sent: Sent[] = [];
  const answer = await guest.call({
    path: '/follow',
    outbound: async (request) => {
      sent.push(request);
      return request.url.endsWith('/start')
        ? { status: 302, headers: { location: 'http://b.example/end' } }
        : { status: 200, body: 'arrived' };
    },
  });
  t.deepEqual(JSON.parse(answer.text), { url: 'http://b.example/end', redirected: true, body: 'arrived' });
  t.deepEqual(
    sent.map(({ method, headers, body }) => [method, headers['authorization'], body]),
    [
      ['POST', 'secret', 'x'],
      ['GET', undefined, ''],
    ],
  );
});

test('a fetch that the host denies says which host to allow', async (t) => {
  const { text } = await guest.call({ path: '/denied' });
  t.regex(text, /HTTP-request-denied: .*does not allow the host denied\.example/);
});

test('console writes to standard output and standard error, the top level included', async (t) => {
  const { status, stdout, stderr } = await guest.call({ path: '/log' });
  t.is(status, 204);
  t.deepEqual(stdout.split('\n'), ['printed by the top level', 'plain { a: [1, "two"] } Map {"k" => 1}', '']);
  t.regex(stderr, /^RangeError: to standard error\n/);
});

test('randomness differs between invocations although both start from one memory', async (t) => {
  const [first, second] = await Promise.all([
    guest.call({ path: '/random' }),
    guest.call({ path: '/random' }),
  ]);
  const [a, b] = [JSON.parse(first.text), JSON.parse(second.text)];
  t.not(a[0], b[0]);
  t.not(a[1], b[1]);
  t.regex(a[1], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.is(a[2], b[2]);
});

for (const [path, reason] of [
  ['/throw', 'RangeError: no such luck'],
  ['/nothing', 'TypeError: the handler did not return a Response'],
] as const) {
  test(`a handler that fails at ${path} ends in an error-code with the reason`, async (t) => {
    const failure = await guest.call({ path }).then(
      () => undefined,
      (error: unknown) => error,
    );
    t.like(JSON.parse(JSON.stringify((failure as { payload?: unknown }).payload ?? failure)), {
      tag: 'internal-error',
      val: reason,
    });
  });
}
