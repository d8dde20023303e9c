/** What is kept of authorizers' answers, with the authorizer stood in for and a clock set by hand. */
import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { Authorizer, type UrlRequest } from '../../host/front-door/authorizer.ts';
import { AUTHORIZER_LIMITS } from '../../host/limits.ts';
import type { LiveFunction } from '../../host/model/function-version.ts';
import { functionNamed, tenantNamed } from '../store/publications.ts';

const acme = tenantNamed('acme');
const NEVER = new AbortController().signal;
const ACCESS = { type: 'authorizer' as const, function: 'door', identityHeaders: ['x-token'] };

const target = (name: string, tenant = acme): LiveFunction =>
  ({ tenant, name: functionNamed(name) }) as LiveFunction;

function requestWith(token: string, user = ''): UrlRequest {
  const rawHeaders = ['X-Token', token, 'X-User', user];
  const incoming = { rawHeaders, headers: {}, method: 'GET', httpVersion: '1.1', socket: {} };
  return { incoming: incoming as unknown as IncomingMessage, invocationId: 'i', pathWithQuery: '/' };
}

function authorizerThatSays(answer: object) {
  const state = { nowMs: 0, asked: 0, door: target('door') };
  const authorizer = new Authorizer({
    resolve: () => ({ live: state.door }),
    ask: async () => {
      state.asked++;
      return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(answer)) };
    },
    nowMs: () => state.nowMs,
  });
  const hello = target('hello');
  const call = (token: string, live = hello) => authorizer.authorize(live, ACCESS, requestWith(token), NEVER);
  const callAs = (token: string, user: string) => {
    const access = { ...ACCESS, identityHeaders: ['x-token', 'x-user'] };
    return authorizer.authorize(hello, access, requestWith(token, user), NEVER);
  };
  return { state, call, callAs };
}

test('an answer is kept until the instant that it names', async (t) => {
  const { state, call } = authorizerThatSays({ isAuthorized: true, ttlSeconds: 10 });
  await call('a');
  state.nowMs = 9_999;
  await call('a');
  t.is(state.asked, 1);
  state.nowMs = 10_000;
  await call('a');
  t.is(state.asked, 2);
});

test('a refusal is kept, too', async (t) => {
  const { state, call } = authorizerThatSays({ isAuthorized: false, ttlSeconds: 10 });
  for (let i = 0; i < 3; i++) await t.throwsAsync(call('a'), { code: 'authorizer_denied' } as never);
  t.is(state.asked, 1);
});

test('an answer is for one identity, one function, one version of both', async (t) => {
  const { state, call } = authorizerThatSays({ isAuthorized: true, ttlSeconds: 10 });
  await call('a');
  await call('b');
  t.is(state.asked, 2);
  await call('a', target('other'));
  t.is(state.asked, 3);
  await call('a', target('hello'));
  t.is(state.asked, 4, 'its settings may have changed');
  state.door = target('door');
  await call('b');
  t.is(state.asked, 5);
});

test('what belongs to one identity header is not taken for a part of the next', async (t) => {
  const { state, callAs } = authorizerThatSays({ isAuthorized: true, ttlSeconds: 10 });
  for (const [token, user] of [
    ['a', 'dmin'],
    ['ad', 'min'],
    ['admin', ''],
    ['a,d', 'min'],
    ['a', 'd,min'],
    ['a"', '"dmin'],
  ] as const)
    await callAs(token, user);
  t.is(state.asked, 6);
});

test('a flood of identities pushes out answers of the same tenant alone, and stays bounded', async (t) => {
  const context = { text: 'x'.repeat(4_000) };
  const { state, call } = authorizerThatSays({ isAuthorized: true, ttlSeconds: 3_600, context });
  const other = target('hello', tenantNamed('other'));
  await call('kept', other);
  await call('first');
  const most = Math.ceil(AUTHORIZER_LIMITS.cacheBytesPerTenant / 4_000);
  for (let i = 0; i < most; i++) await call(`flood-${i}`);
  const before = state.asked;
  await call('kept', other);
  await call(`flood-${most - 1}`);
  t.is(state.asked, before);
  await call('first');
  t.is(state.asked, before + 1, 'the oldest went');
});
