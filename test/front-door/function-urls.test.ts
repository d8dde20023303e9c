import type { IncomingMessage } from 'node:http';
import test from 'ava';
import { isPlainFunctionCall } from '../../host/front-door/function-urls.ts';

function isPlain(url: string, headers: IncomingMessage['headers'] = { host: 'localhost:8787' }): boolean {
  return isPlainFunctionCall({ url, headers } as IncomingMessage);
}

test('a call is plain if no two readers of it could differ', (t) => {
  t.true(isPlain('/fn/default/hello/'));
  t.true(isPlain('/fn/default/hello'));
  t.true(isPlain('/fn/default/hello/a/b.html?x=1&y=[2]'));
  t.true(isPlain('/fn/default/hello/..a/b..'));
});

for (const url of [
  '/v1/tenants/default/functions',
  '/fn',
  '/fnord/default/hello/',
  '/fn/default/hello/../../../v1',
  '/fn/default/hello/..',
  '/fn/default/hello/./x',
  '/fn/default/hello/.?x',
  '/fn/default/hello/%2e%2e/x',
  '/fn/default/hello/\\..\\x',
  '/fn/default/hello/#x',
  '/fn/default/hello/ü',
  '/fn/default/hello/ x',
  'http://localhost/fn/default/hello/',
  '*',
]) {
  test(`'${url}' is not plain`, (t) => t.false(isPlain(url)));
}

for (const host of [undefined, '', 'a b<>', '[::1]:80', 'user@host', 'host:123456', 'host/path', 'HOST']) {
  test(`the host '${host}' is not plain`, (t) => {
    t.false(isPlain('/fn/default/hello/', host === undefined ? {} : { host }));
  });
}

test('a request with a body is not plain', (t) => {
  t.false(isPlain('/fn/default/hello/', { host: 'a', 'content-length': '0' }));
  t.false(isPlain('/fn/default/hello/', { host: 'a', 'transfer-encoding': 'chunked' }));
});
