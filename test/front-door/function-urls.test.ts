import type { IncomingMessage, ServerResponse } from 'node:http';
import test from 'ava';
import type { CallOptions } from '../../host/front-door/call.ts';
import { FunctionUrls, isPlainFunctionCall } from '../../host/front-door/function-urls.ts';
import type { Invoker } from '../../host/front-door/invoker.ts';
import { ThreadHeap } from '../../host/worker/thread-heap.ts';

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

test('a target names the same function each time, however many have been named since', (t) => {
  const calls: CallOptions[] = [];
  const invoker = { call: async (options: CallOptions) => void calls.push(options) };
  const policy = { admit: () => t.fail() as never };
  const urls = new FunctionUrls(invoker as unknown as Invoker, policy);
  const called = (url: string): Partial<CallOptions> => {
    void urls.serve({ method: 'GET', url, headers: { host: 'h' } } as IncomingMessage, {} as ServerResponse);
    const { tenant, name, pathWithQuery, scriptName } = calls.pop()!;
    return { tenant, name, pathWithQuery, scriptName };
  };
  const check = (): void => {
    t.like(called('/fn/a/b-c/x?y'), {
      tenant: 'a',
      name: 'b-c',
      pathWithQuery: '/x?y',
      scriptName: '/fn/a/b-c',
    });
    t.like(called('/fn/a-b/c'), { tenant: 'a-b', name: 'c', pathWithQuery: '/', scriptName: '/fn/a-b/c' });
    t.like(called('http://h/fn/a/c?q'), {
      tenant: 'a',
      name: 'c',
      pathWithQuery: '/?q',
      scriptName: '/fn/a/c',
    });
  };
  check();
  check();
  for (let i = 0; i < 10_001; i++) {
    const { name } = called(`/fn/a/f${i}/`);
    if (name !== `f${i}`) t.fail(`f${i} was taken for ${name}`);
  }
  check();
});

test('what is kept of a target is its names, however long the rest of it is', (t) => {
  const invoker = { call: async () => {} } as unknown as Invoker;
  const urls = new FunctionUrls(invoker, { admit: () => t.fail() as never });
  const heap = new ThreadHeap();
  const usedBytes = (): number => {
    heap.collect();
    return process.memoryUsage().heapUsed;
  };
  const before = usedBytes();
  const query = 'x'.repeat(32 * 1024);
  for (let i = 0; i < 2_000; i++) {
    const url = `/fn/a-tenant-with-a-name/a-function-with-number-${i}/?${query}`;
    void urls.serve({ method: 'GET', url, headers: { host: 'h' } } as IncomingMessage, {} as ServerResponse);
  }
  const keptBytes = usedBytes() - before;
  void urls.serve({ method: 'GET', url: '/fn/a/b', headers: {} } as IncomingMessage, {} as ServerResponse);
  t.true(keptBytes < 8 * 2 ** 20, `${keptBytes} bytes`);
});
