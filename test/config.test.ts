import test from 'ava';
import { ConfigError, resolveConfig, SETTINGS } from '../host/config.ts';
import { assertLimitRelations, FUNCTION_LIMITS, HOST_LIMITS } from '../host/limits.ts';

test('the limits do not contradict one another', (t) => {
  t.notThrows(assertLimitRelations);
});

test('an empty environment gives the documented defaults', (t) => {
  const config = resolveConfig({}, '/srv');
  t.is(config.host, '127.0.0.1');
  t.is(config.port, 8787);
  t.is(config.dataDir, '/srv/.mayfly');
  t.is(config.adminKey, undefined);
  t.is(config.spareThreads, 1);
  t.is(config.rewind, 'auto');
  t.is(config.componentBytes, HOST_LIMITS.componentBytes);
  t.is(config.ceilings.memoryBytes, FUNCTION_LIMITS.memoryBytes.ceiling);
});

test('an unknown variable is refused and the nearest known one named', (t) => {
  const error = t.throws(() => resolveConfig({ MAYFLY_PROT: '80' }, '/'), { instanceOf: ConfigError });
  t.regex(error.message, /MAYFLY_PROT.*did you mean MAYFLY_PORT/);
});

test('variables of the command line and of others are left alone', (t) => {
  t.notThrows(() =>
    resolveConfig({ MAYFLY_URL: 'x', MAYFLY_KEY: 'y', MAYFLY_TENANT: 'z', PATH: '/bin' }, '/'),
  );
});

test('a Redis is one server, or what sentinels say', (t) => {
  t.is(resolveConfig({}, '/').redis, undefined);
  t.deepEqual(resolveConfig({ MAYFLY_REDIS_URL: 'redis://redis.internal' }, '/').redis, {
    url: 'redis://redis.internal',
    keyPrefix: 'mayfly',
    replicas: 0,
  });
  const sentinels = 'redis-sentinel://a,b:5,c#mayfly';
  const env = { MAYFLY_REDIS_URL: sentinels, MAYFLY_REDIS_PREFIX: 'blue', MAYFLY_REDIS_REPLICAS: '1' };
  t.deepEqual(resolveConfig(env, '/').redis, { url: sentinels, keyPrefix: 'blue', replicas: 1 });
  const secret = 'redis-sentinel://user:hunter2@a';
  const error = t.throws(() => resolveConfig({ MAYFLY_REDIS_URL: secret }, '/'), { instanceOf: ConfigError });
  t.regex(error.message, /#group/);
  t.notRegex(error.message, /hunter2/);
});

for (const [name, value] of [
  ['MAYFLY_PORT', '65536'],
  ['MAYFLY_PORT', '-1'],
  ['MAYFLY_PORT', '80x'],
  ['MAYFLY_PORT', ''],
  ['MAYFLY_THREADS', '0'],
  ['MAYFLY_SPARE_THREADS', '9'],
  ['MAYFLY_EXAMPLES', 'yes'],
  ['MAYFLY_REWIND', 'fast'],
  ['MAYFLY_ADMIN_KEY', 'short'],
  ['MAYFLY_CEILING_MEMORY_BYTES', String(2 ** 33)],
] as const) {
  test(`${name}='${value}' is refused by name`, (t) => {
    const error = t.throws(() => resolveConfig({ [name]: value }, '/'), { instanceOf: ConfigError });
    t.true(error.message.includes(name));
  });
}

test('functions may have an origin of their own, which is an origin and no more', (t) => {
  const at = (MAYFLY_FUNCTIONS_URL: string) => resolveConfig({ MAYFLY_FUNCTIONS_URL }, '/').functionsUrl;
  t.is(at('https://FN.example.com:443/'), 'https://fn.example.com');
  t.is(at('http://localhost:8787'), 'http://localhost:8787');
  for (const wrong of [
    'fn.example.com',
    'ftp://fn.example.com',
    'https://fn.example.com/fn',
    'https://a@fn.example.com',
  ])
    t.throws(() => at(wrong), { instanceOf: ConfigError, message: /MAYFLY_FUNCTIONS_URL/ }, wrong);
});

test('a link to a trace leads to a page and has a place for the id', (t) => {
  const at = (MAYFLY_TRACE_URL: string) => resolveConfig({ MAYFLY_TRACE_URL }, '/').traceUrl;
  t.is(at('https://jaeger.example/trace/{trace_id}'), 'https://jaeger.example/trace/{trace_id}');
  for (const wrong of ['https://jaeger.example/', 'javascript:alert({trace_id})', '/trace/{trace_id}'])
    t.throws(() => at(wrong), { instanceOf: ConfigError, message: /MAYFLY_TRACE_URL/ }, wrong);
});

test('as many threads are kept loaded as are asked for, none included', (t) => {
  for (const count of [0, 3])
    t.is(resolveConfig({ MAYFLY_SPARE_THREADS: String(count) }, '/').spareThreads, count);
});

test("a ceiling is the operator's to set within what the engine can do", (t) => {
  t.is(resolveConfig({ MAYFLY_CEILING_MEMORY_BYTES: '1048576' }, '/').ceilings.memoryBytes, 1_048_576);
});

test('every setting of the host is listed with what it is about', (t) => {
  for (const setting of SETTINGS) t.true(setting.about.length > 10, setting.variable);
});
