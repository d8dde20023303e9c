import test from 'ava';
import { redisAddress } from '../../../host/store/queues/redis-address.ts';

const SENTINEL = { name: 'mayfly', failoverDetector: true };

test('one server is left as it is', (t) => {
  for (const url of ['redis://127.0.0.1', 'redis://user:p%40ss@redis.internal:6380/2', 'rediss://[::1]:6379'])
    t.is(redisAddress(url), url);
});

test('sentinels: each with its port or the usual one, and what is said of the servers', (t) => {
  t.deepEqual(redisAddress('redis-sentinel://a.internal,10.0.0.2:26380,[::1]:5#mayfly'), {
    ...SENTINEL,
    sentinels: [
      { host: 'a.internal', port: 26_379 },
      { host: '10.0.0.2', port: 26_380 },
      { host: '::1', port: 5 },
    ],
  });
  t.deepEqual(redisAddress('rediss-sentinel://user:p%40ss@a:1/3#mayfly'), {
    ...SENTINEL,
    sentinels: [{ host: 'a', port: 1 }],
    username: 'user',
    password: 'p@ss',
    db: 3,
    tls: {},
    enableTLSForSentinelMode: true,
    sentinelTLS: {},
  });
  t.like(redisAddress('redis-sentinel://:secret@a#mayfly'), { password: 'secret' });
});

test('anything else is no address', (t) => {
  for (const text of [
    '',
    'localhost:6379',
    'http://a',
    'redis-sentinel://a',
    'redis-sentinel://#mayfly',
    'redis-sentinel://a:0#mayfly',
    'redis-sentinel://a:70000#mayfly',
    'redis-sentinel://a,,b#mayfly',
    'redis-sentinel://a/x#mayfly',
  ])
    t.is(redisAddress(text), undefined, text);
});
