import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { handlerFrom } from '../harness/handler-from.ts';
import { type Answer, type CallOptions, startTestHost, type TestHost } from '../harness/host.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { exchange } from '../harness/wire.ts';

/** Does what the token says; says what it was asked. */
const AUTHORIZER = `
export default {
  async fetch(request) {
    const event = await request.json();
    const [token] = event.identitySource;
    console.log(token + ' ' + event.requestContext.http.method + ' ' + event.rawPath + '?' + event.rawQueryString
      + ' ' + event.headers['x-note'] + ' ' + event.requestContext.http.sourceIp + ' ' + event.requestContext.functionName);
    const [word, argument] = token.split('-');
    switch (word) {
      case 'good': return Response.json({ isAuthorized: true });
      case 'kept': return Response.json({ isAuthorized: true, ttlSeconds: 60, context: { user: argument, n: 7, s: 'ü"' } });
      case 'keys': return Response.json({ isAuthorized: true, context: {
        authorization: event.headers.authorization ?? 'none', key: event.headers['x-api-key'] ?? 'none' } });
      case 'refused': return Response.json({ isAuthorized: false, ttlSeconds: 60, context: { why: 'secret' } });
      case 'truthy': return Response.json({ isAuthorized: 'true' });
      case 'more': return Response.json({ isAuthorized: true, isAdmin: true });
      case 'long': return Response.json({ isAuthorized: true, ttlSeconds: 3601 });
      case 'huge': return Response.json({ isAuthorized: true, context: { text: 'x'.repeat(5000) } });
      case 'flood': return new Response('{"isAuthorized":true}' + ' '.repeat(20000));
      case 'junk': return new Response('{"isAuthorized":true}}');
      case 'empty': return new Response('');
      case 'status': return Response.json({ isAuthorized: true }, { status: 201 });
      case 'trap': throw new Error('no');
      case 'spin': for (;;) {}
      case 'hang': await new Promise(() => {});
    }
  },
};
`;

let host: TestHost;
/** Keys of the tenant \`default\` by their scope, and one of another tenant. */
const keys: Record<string, string> = {};

test.before(async () => {
  host = await startTestHost();
  const component = await handlerFrom(AUTHORIZER);
  // Enough for a busy machine, and an end for one that spins.
  await host.deploy('authorizer', component, { timeoutMs: 9_000, fuel: 1_000_000_000 });
  await host.deploy('hasty', component, { timeoutMs: 300 });
  const echo = await echoGuest('0.2.3');
  await host.deploy('open', echo);
  await host.deploy('keyed', echo, { access: { type: 'key' } });
  await host.deploy('guarded', echo, {
    access: { type: 'authorizer', function: 'authorizer', identityHeaders: ['x-token'] },
  });
  for (const scope of ['invoke', 'admin', 'read', 'deploy']) keys[scope] = await createKey('default', scope);
  await operator('POST', '/v1/tenants', { name: 'other' });
  keys['other'] = await createKey('other', 'invoke');
});
test.after.always(() => host.dispose());

function operator(method: string, path: string, body?: unknown): Promise<Answer> {
  return host.request(path, {
    method,
    headers: { authorization: `Bearer ${host.running.adminKey.key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function createKey(tenant: string, scope: string, name = scope): Promise<string> {
  const answer = await operator('POST', `/v1/tenants/${tenant}/keys`, { name, scopes: [scope] });
  return JSON.parse(answer.text).key;
}

const bearer = (key: string | undefined): CallOptions => ({ headers: { authorization: `Bearer ${key}` } });
const codeOf = ({ text }: Answer): string => (text.startsWith('{') ? JSON.parse(text).code : '');

test.serial('a function that takes keys is opened by those that may invoke, and by no other', async (t) => {
  for (const key of [keys['invoke'], keys['admin'], host.running.adminKey.key]) {
    t.is((await host.call('keyed', '/', bearer(key))).status, 200);
    t.is((await host.call('keyed', '/', { headers: { 'x-api-key': key! } })).status, 200);
  }
  for (const key of [keys['read'], keys['deploy'], keys['other']])
    t.is(codeOf(await host.call('keyed', '/', bearer(key))), 'forbidden');
  for (const options of [
    {},
    bearer('x'),
    bearer(`${keys['invoke']}x`),
    { headers: { authorization: keys['invoke']! } },
  ]) {
    const answer = await host.call('keyed', '/', options);
    t.is(codeOf(answer), 'unauthenticated');
    t.is(answer.headers['www-authenticate'], 'Bearer realm="mayfly"');
  }
});

test.serial('two keys in one request are refused, whichever comes first', async (t) => {
  const { port } = host.running;
  const good = keys['invoke']!;
  for (const headers of [
    ['Authorization', `Bearer ${good}`, 'Authorization', 'Bearer x'],
    ['Authorization', 'Bearer x', 'Authorization', `Bearer ${good}`],
    ['X-Api-Key', good, 'X-Api-Key', 'x'],
    ['X-Api-Key', 'x', 'Authorization', `Bearer ${good}`],
    ['Authorization', `Bearer ${good}, Bearer x`],
    ['Authorization', `Bearer ${good}\tx`],
    ['X-Api-Key', ''],
  ]) {
    const { status } = await exchange(port, { method: 'GET', path: '/fn/default/keyed/', headers });
    t.is(status, 401, headers.join(' '));
  }
});

test.serial('a function sees no key of this host, whether it asked for one or not', async (t) => {
  const { port } = host.running;
  const own = keys['invoke']!;
  for (const name of ['keyed', 'open']) {
    for (const headers of [
      ['Authorization', `Bearer ${own}`],
      ['X-Api-Key', own],
      ['X-Api-Key', own, 'Authorization', `bearer ${own}`],
    ]) {
      const answer = await exchange(port, { method: 'GET', path: `/fn/default/${name}/`, headers });
      t.is(answer.status, 200);
      t.false(JSON.stringify(answer.headers).includes(own), `${name} ${headers[0]}`);
    }
  }
  const others = ['X-Api-Key', own, 'Authorization', 'Bearer of-the-function'];
  const answer = await exchange(port, { method: 'GET', path: '/fn/default/keyed/', headers: others });
  t.truthy(
    answer.headers.find(([name, value]) => name === 'authorization' && value === 'Bearer of-the-function'),
  );
});

test.serial('a revoked key opens no URL from the next request on, on no thread', async (t) => {
  const key = await createKey('default', 'invoke', 'short');
  const { json } = await host.api('/keys');
  const { id } = json.find(({ name }: { name: string }) => name === 'short');
  const calls = (): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 16 }, () => host.call('keyed', '/', bearer(key))));
  t.true((await calls()).every(({ status }) => status === 200));
  t.is((await operator('DELETE', `/v1/tenants/default/keys/${id}`)).status, 204);
  t.true((await calls()).every(({ status }) => status === 401));
});

const token = (value: string, more: Record<string, string> = {}): CallOptions => ({
  headers: { 'x-token': value, ...more },
});

/** What the authorizer was asked with a token, once that is `count` times; a log is written behind the answer. */
async function asked(value: string, count: number): Promise<string[]> {
  for (;;) {
    const lines = await host.logs('authorizer', count);
    const found = lines.filter((line) => line.startsWith(`${value} `));
    if (found.length >= count) return found;
    await betweenLooks();
  }
}

test.serial(
  'an authorizer is asked with method, path, query, headers and address, and its answer counts',
  async (t) => {
    const options = { ...token('good', { 'x-note': 'n1' }), method: 'POST', body: 'for the function' };
    const answer = await host.call('guarded', '/a%20b?c=d', options);
    t.is(answer.status, 200);
    t.is(answer.text, 'for the function');
    t.is(answer.headers['x-token'], 'good');
    t.deepEqual(await asked('good', 1), ['good POST /a%20b?c=d n1 127.0.0.1 guarded']);
    await host.call('guarded', '/', token('good'));
    t.is((await asked('good', 2)).length, 2, 'it did not say that its answer may be kept');
    t.is(codeOf(await host.call('guarded', '/', token('refused'))), 'authorizer_denied');
    t.false((await host.call('guarded', '/', token('refused'))).text.includes('secret'));
  },
);

test.serial('an authorizer sees no key of this host', async (t) => {
  const access = (...identityHeaders: string[]) => ({
    access: { type: 'authorizer', function: 'authorizer', identityHeaders },
  });
  await host.configure('guarded', access('authorization'));
  t.is(codeOf(await host.call('guarded', '/', bearer(keys['admin']))), 'unauthenticated');
  await host.configure('guarded', access('x-token'));
  const more = { authorization: `Bearer ${keys['admin']}`, 'x-api-key': keys['invoke']! };
  const seen = await host.call('guarded', '/', token('keys', more));
  t.is(seen.headers['mayfly-authorizer-context'], '{"authorization":"none","key":"none"}');
});

test.serial(
  'an answer is kept for its time and for its identity, and reaches the function as a field',
  async (t) => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => host.call('guarded', '/', token('kept-ada'))));
    for (const { headers } of answers) {
      t.is(headers['mayfly-authorizer-context'], '{"user":"ada","n":7,"s":"\\u00fc\\""}');
    }
    for (let i = 0; i < 8; i++) await host.call('guarded', '/', token('kept-ada'));
    t.true(
      (await asked('kept-ada', 1)).length <= 5,
      'by the four that came together, and by the first that came to the other thread',
    );
    const other = await host.call('guarded', '/', token('kept-bob'));
    t.true(String(other.headers['mayfly-authorizer-context']).includes('bob'));
  },
);

test.serial('a change of the authorizer makes what it said stale', async (t) => {
  for (let i = 0; i < 6; i++) await host.call('guarded', '/', token('kept-eve'));
  const before = (await asked('kept-eve', 1)).length;
  await host.configure('authorizer', { environment: { CHANGED: '1' } });
  await host.call('guarded', '/', token('kept-eve'));
  t.true((await asked('kept-eve', before + 1)).length > before);
});

test.serial('no caller says what only an authorizer may say', async (t) => {
  const forged = {
    'mayfly-authorizer-context': '{"user":"root"}',
    'Mayfly-Authorizer-Context': '{"user":"root"}',
  };
  for (const answer of [
    await host.call('guarded', '/', token('good', forged)),
    await host.call('open', '/', { headers: forged }),
    await host.call('keyed', '/', { headers: { ...forged, 'x-api-key': keys['invoke']! } }),
  ]) {
    t.is(answer.status, 200);
    t.is(answer.headers['mayfly-authorizer-context'], undefined);
  }
});

test.serial('without its identity header, or with two, a request reaches neither function', async (t) => {
  t.is(codeOf(await host.call('guarded')), 'unauthenticated');
  const { port } = host.running;
  const headers = ['X-Token', 'kept-one', 'X-Token', 'kept-two'];
  t.is((await exchange(port, { method: 'GET', path: '/fn/default/guarded/', headers })).status, 401);
  t.deepEqual(await asked('kept-one', 0), []);
});

for (const word of [
  'truthy',
  'more',
  'long',
  'huge',
  'flood',
  'junk',
  'empty',
  'status',
  'trap',
  'spin',
  'unknown',
]) {
  test.serial(`an authorizer that gives a wrong answer (${word}) lets nobody through`, async (t) => {
    const answer = await host.call('guarded', '/', token(word));
    t.is(answer.status, 502);
    t.is(codeOf(answer), 'authorizer_failed');
    await asked(word, 1);
  });
}

test.serial('an authorizer that is missing, or hangs, or is none, lets nobody through', async (t) => {
  const access = (name: string) => ({
    access: { type: 'authorizer', function: name, identityHeaders: ['x-token'] },
  });
  await host.deploy('misled', await echoGuest('0.2.3'), access('nowhere'));
  t.is(codeOf(await host.call('misled', '/', token('good'))), 'authorizer_failed');
  await host.configure('misled', access('hasty'));
  t.is(codeOf(await host.call('misled', '/', token('hang'))), 'authorizer_failed');
  await host.configure('misled', access('open'));
  t.is(codeOf(await host.call('misled', '/', token('good'))), 'authorizer_failed', 'an echo is no answer');
});

test.serial(
  'the URL of a guarded function is guarded for every method and path, and the API is not',
  async (t) => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND'])
      t.is((await host.call('keyed', '/deep/path?x=1', { method })).status, 401, method);
    for (const path of ['', '/', '//', '/..', '/%2e%2e/open/', '?x'])
      t.is(
        (await exchange(host.running.port, { method: 'GET', path: `/fn/default/keyed${path}` })).status,
        401,
        path,
      );
    t.is((await operator('POST', '/v1/tenants/default/functions/keyed/invocations')).status, 200);
  },
);

const PREFLIGHT = { origin: 'https://app.example', 'access-control-request-method': 'PUT' };
const CORS = {
  allowOrigins: ['https://app.example', 'http://localhost:3000'],
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['content-type', 'X-Token'],
  exposeHeaders: ['mayfly-fuel'],
  maxAge: 600,
  allowCredentials: true,
};

test.serial('a preflight is answered by the host, without a key and without the function', async (t) => {
  await host.deploy('shared', await echoGuest('0.2.3'), { access: { type: 'key' }, cors: CORS });
  const answer = await host.call('shared', '/x', { method: 'OPTIONS', headers: PREFLIGHT });
  t.is(answer.status, 204);
  t.like(answer.headers, {
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, PUT',
    'access-control-allow-headers': 'content-type, x-token',
    'access-control-max-age': '600',
    'mayfly-fuel': undefined,
  });
  t.regex(String(answer.headers['vary']), /Origin/);
  for (const origin of [
    'https://app.example.evil',
    'http://app.example',
    'https://APP.example',
    'null',
    'https://app.example, x',
  ]) {
    const refused = await host.call('shared', '/', { method: 'OPTIONS', headers: { ...PREFLIGHT, origin } });
    t.is(refused.status, 204);
    t.deepEqual(
      Object.keys(refused.headers).filter((name) => name.startsWith('access-control')),
      [],
      origin,
    );
  }
  const plain = await host.call('shared', '/', {
    method: 'OPTIONS',
    headers: { origin: 'https://app.example' },
  });
  t.is(plain.status, 401, 'no preflight: it goes the way of all requests');
});

test.serial(
  'answers and errors carry the CORS fields of the settings, not those of the function',
  async (t) => {
    const headers = {
      origin: 'https://app.example',
      'access-control-allow-origin': '*',
      'x-api-key': keys['invoke']!,
    };
    await host.deploy('shown', await echoGuest('0.2.3'), { access: { type: 'key' }, cors: CORS });
    const answer = await host.call('shown', '/', { headers });
    t.is(answer.status, 200);
    t.is(answer.headers['access-control-allow-origin'], 'https://app.example');
    t.is(answer.headers['access-control-expose-headers'], 'mayfly-fuel');
    t.is(answer.headers['vary'], 'Origin');
    const refused = await host.call('shown', '/', { headers: { origin: 'https://app.example' } });
    t.is(refused.status, 401);
    t.is(refused.headers['access-control-allow-origin'], 'https://app.example');
    const stranger = await host.call('shown', '/', {
      headers: { ...headers, origin: 'https://evil.example' },
    });
    t.is(stranger.headers['access-control-allow-origin'], undefined);
    await host.configure('shown', { cors: null });
    const own = await host.call('shown', '/', { headers });
    t.is(own.headers['access-control-allow-origin'], '*', 'the function answers for itself');
    await host.configure('shown', { cors: { allowOrigins: ['*'] }, access: { type: 'public' } });
    const anybody = await host.call('shown', '/', { headers: { origin: 'null' } });
    t.is(anybody.headers['access-control-allow-origin'], '*');
    t.is(anybody.headers['vary'], undefined);
  },
);
