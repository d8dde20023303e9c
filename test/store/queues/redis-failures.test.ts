import { readdirSync, readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { closed } from '../../../host/store/queues/redis-link.ts';
import { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import { RedisServer } from '../../harness/redis-server.ts';
import {
  claim,
  claimSome,
  countsOf,
  orders,
  send,
  settings,
  settleAll,
  textMessage,
  textsOf,
} from './conformance/harness.ts';
import { connected } from './redis-engines.ts';

/** What it does while Redis is away, slow, full or starting again. Each test has a Redis of its own to break. */
const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

const UNAVAILABLE = { code: 'queue_unavailable' };
/** Long enough for a busy machine. */
const TIMEOUT_MS = 2_000;

async function start(
  t: ExecutionContext,
  redisSettings: Readonly<Record<string, string>> = {},
): Promise<{ server: RedisServer; engine: RedisQueueEngine; lines: string[] }> {
  const server = await RedisServer.start({ settings: redisSettings });
  const lines: string[] = [];
  const engine = new RedisQueueEngine({
    url: server.url,
    timeoutMs: TIMEOUT_MS,
    report: (line) => lines.push(line),
  });
  t.teardown(async () => {
    await engine[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  await connected(engine);
  return { server, engine, lines };
}

/** Resolves when the listeners of the queue are called. */
function told(engine: RedisQueueEngine): { readonly next: () => Promise<void>; readonly stop: () => void } {
  let { promise, resolve } = Promise.withResolvers<void>();
  const stop = engine.onWork(orders, () => resolve());
  return {
    next: () => {
      ({ promise, resolve } = Promise.withResolvers<void>());
      return promise;
    },
    stop,
  };
}

async function drain(engine: RedisQueueEngine): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const claimed = await claim(engine, { maxMessages: 100 });
    if (claimed === undefined) return seen.sort();
    seen.push(...textsOf(claimed)!);
    await settleAll(engine, claimed);
  }
}

test('an engine whose Redis is away, and is tried again and again, ends', async (t) => {
  const server = await RedisServer.start();
  await server[Symbol.asyncDispose]();
  const engine = new RedisQueueEngine({ url: server.url, timeoutMs: TIMEOUT_MS });
  // Between two tries, when there is no socket; the first try is over by then.
  const trying = engine.link.another('mayfly-test');
  trying.on('error', () => {});
  await new Promise((resolve) => trying.once('reconnecting', resolve));
  await closed(trying);
  await engine[Symbol.asyncDispose]();
  t.pass();
});

test('what was accepted is there after Redis was killed and started again, claims included', async (t) => {
  const { server, engine, lines } = await start(t);
  const texts = Array.from({ length: 200 }, (_, index) => `m${index}`);
  for (let at = 0; at < texts.length; at += 20) await send(engine, texts.slice(at, at + 20));
  await send(engine, ['g1', 'g2'], { groupKey: 'g' });
  const held = await claimSome(engine, { maxMessages: 10 });
  const listener = told(engine);
  await server.kill();
  await t.throwsAsync(send(engine, ['refused']), UNAVAILABLE);
  await t.throwsAsync(claim(engine), UNAVAILABLE);
  const back = listener.next();
  await server.restart();
  // Whoever waits is told by itself.
  await back;
  listener.stop();
  t.deepEqual(await countsOf(engine), [192, 0, 10, 0]);
  t.true(await settleAll(engine, held));
  t.deepEqual(
    await drain(engine),
    [...texts, 'g1', 'g2'].filter((text) => !textsOf(held)!.includes(text)).sort(),
  );
  t.deepEqual(
    lines.map((line) => line.replace(/ \(.*?\)/, '')),
    [
      'The Redis of the queues is away; messages are refused until it is back.',
      'The Redis of the queues is back.',
    ],
  );
});

test('a message sent by one host while the other one has no connection is found when it has one again', async (t) => {
  const { server, engine } = await start(t);
  await using other = new RedisQueueEngine({ url: server.url, timeoutMs: TIMEOUT_MS });
  await connected(other);
  const listener = told(other);
  t.is(await claim(other), undefined);
  const back = listener.next();
  // Redis ends all connections of the other host; it comes back by itself and looks.
  await engine.link.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await send(engine, ['a']);
  await back;
  listener.stop();
  t.deepEqual(textsOf(await claim(other)), ['a']);
});

test('a Redis that is stopped refuses in time, takes no memory, and goes on when it does', async (t) => {
  const { server, engine } = await start(t);
  await send(engine, ['before']);
  server.pause();
  const body = Buffer.alloc(1024 * 1024);
  const startedAt = performance.now();
  const waiting = Array.from({ length: 100 }, () =>
    engine.send(orders, settings, [textMessage('', { body })]),
  );
  const outcomes = await Promise.allSettled(waiting);
  t.true(performance.now() - startedAt < 5 * TIMEOUT_MS);
  const codes = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
  t.deepEqual(new Set(codes), new Set(['queue_unavailable']));
  // 64 MiB were let go at most; from now on it is refused at once, since there is no connection.
  const again = performance.now();
  for (let call = 0; call < 1_000; call++) await t.throwsAsync(send(engine, ['x']), UNAVAILABLE);
  t.true(performance.now() - again < TIMEOUT_MS);
  server.resume();
  await connected(engine);
  await send(engine, ['after']);
  const seen = await drain(engine);
  t.true(seen.includes('before') && seen.includes('after'));
});

test('a Redis whose memory is full refuses messages, and gives out and forgets those it has', async (t) => {
  const { engine } = await start(t, { maxmemory: '6mb', 'maxmemory-policy': 'noeviction' });
  const body = Buffer.alloc(50_000, 'x');
  let accepted = 0;
  const refused = await t.throwsAsync(async () => {
    for (; accepted < 1_000; accepted++) await engine.send(orders, settings, [textMessage('', { body })]);
  }, UNAVAILABLE);
  t.is(refused?.message, 'The memory of Redis is full.');
  t.true(accepted > 10 && accepted < 200);
  t.deepEqual(await countsOf(engine), [accepted, 0, 0, 0]);
  const claimed = await claimSome(engine, { maxMessages: 4 });
  const [done, retried, released, dead] = claimed.messages;
  const cause = { code: 'x', detail: '' };
  t.true(
    await engine.settle(claimed, [
      { id: done!.id, kind: 'done' },
      { id: retried!.id, kind: 'retry', atMs: 0, cause },
      { id: released!.id, kind: 'release', atMs: 0 },
      { id: dead!.id, kind: 'dead', cause },
    ]),
  );
  t.deepEqual(await countsOf(engine), [accepted - 2, 0, 0, 1]);
  t.is((await drain(engine)).length, accepted - 2);
  await send(engine, ['there is room']);
});

test('an engine whose Redis is not there yet refuses at once and works when it is', async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server[Symbol.asyncDispose]());
  await server.kill();
  const lines: string[] = [];
  await using engine = new RedisQueueEngine({ url: server.url, report: (line) => lines.push(line) });
  await t.throwsAsync(send(engine, ['x']), UNAVAILABLE);
  await server.restart();
  await connected(engine);
  await send(engine, ['x']);
  t.deepEqual(textsOf(await claim(engine)), ['x']);
  t.regex(lines[0]!, /is away \(connect ECONNREFUSED/);
});

test('settings of Redis that can lose messages are named, the password is not', async (t) => {
  const password = 'correct-horse';
  const server = await RedisServer.start({
    settings: {
      appendonly: 'no',
      maxmemory: '100mb',
      'maxmemory-policy': 'allkeys-lru',
      requirepass: password,
    },
  });
  t.teardown(() => server[Symbol.asyncDispose]());
  const lines: string[] = [];
  const report = (line: string): void => void lines.push(line);
  const withPassword = (secret: string): string => server.url.replace('//', `//:${secret}@`);
  await using engine = new RedisQueueEngine({ url: withPassword(password), report });
  await connected(engine);
  t.is(lines.length, 2);
  t.regex(lines[0]!, /append-only file off/);
  t.regex(lines[1]!, /maxmemory-policy allkeys-lru/);
  await using stranger = new RedisQueueEngine({ url: withPassword('guessed-wrong'), report });
  const error = await t.throwsAsync(send(stranger, ['x']), UNAVAILABLE);
  t.notRegex(`${error?.message} ${String(error?.cause)} ${lines.join()}`, /guessed-wrong|correct-horse/);
});

test('every script says what it takes and what it returns', (t) => {
  const folder = new URL('../../../host/store/queues/lua/', import.meta.url);
  const files = readdirSync(folder);
  t.true(files.length > 10);
  for (const file of files) {
    const source = readFileSync(new URL(file, folder), 'utf8');
    const [, header] = /--\[\[\n([\s\S]*?)\]\]/.exec(source) ?? [];
    t.truthy(header, file);
    if (file === 'prelude.lua') {
      t.regex(header!, /KEYS\[1\]/);
      continue;
    }
    t.regex(source, /^#!lua( flags=(allow-oom|no-writes))?\n--\[\[/, file);
    const last = [...source.replace(header!, '').matchAll(/ARGV\[(\d+)\]/g)].map(([, index]) =>
      Number(index),
    );
    // Each argument that is read is described; what comes in a row is described as such, with its first one's number.
    for (const index of last) {
      t.regex(header!, new RegExp(`^(ARGV)? +${index}[ .]`, 'm'), `${file}: ARGV[${index}]`);
    }
    if (source.includes('KEYS[2]')) t.regex(header!, /^KEYS\[2\]/m, file);
    if (/^return .+/m.test(source)) t.regex(header!, /^Returns {2}|^Drops/m, file);
  }
});
