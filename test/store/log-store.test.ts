import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { InvocationId } from '../../host/model/ids.ts';
import type { LogRecord } from '../../host/model/log-record.ts';
import { LogStore, type LogStoreOptions, type StoredLogRecord } from '../../host/store/log-store.ts';
import { functionNamed, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');
const hello = functionNamed('hello');

function record(message: string, change: Partial<LogRecord> = {}): LogRecord {
  return {
    tenant: acme,
    name: hello,
    version: 1,
    invocationId: '019abc' as InvocationId,
    timestampMs: 1_000.5,
    level: 'info',
    source: 'stdout',
    message,
    ...change,
  };
}

function open(options: Partial<LogStoreOptions> = {}): LogStore {
  return new LogStore({ path: ':memory:', ...options });
}

const messages = (records: readonly StoredLogRecord[]) => records.map((stored) => stored.message);

test('records come back as they went in, oldest first, with growing ids', (t) => {
  using logs = open();
  const stored = logs.append([record('a'), record('b', { level: 'error', source: 'host' })]);
  t.deepEqual(logs.tail(acme, hello, { limit: 10 }), stored);
  t.deepEqual(
    stored.map((one) => one.id),
    [1, 2],
  );
  t.like(stored[1], { level: 'error', source: 'host', timestampMs: 1_000.5 });
});

test('a message is kept whatever is in it', (t) => {
  using logs = open();
  const odd = ['', 'line\nbreak', 'nul\0inside', '"; DROP TABLE logs; --', '\u{1f98b}', '\t'];
  logs.append(odd.map((message) => record(message)));
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 10 })), odd);
});

test('a tail is the newest records, and pages go back from there', (t) => {
  using logs = open();
  logs.append(['1', '2', '3', '4', '5'].map((message) => record(message)));
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 2 })), ['4', '5']);
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 2, beforeId: 4 })), ['2', '3']);
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 0 })), []);
});

test('functions have logs of their own, and a removed one takes only its own', (t) => {
  using logs = open();
  const second = functionNamed('second');
  const other = tenantNamed('other');
  logs.append([record('a'), record('b', { name: second }), record('c', { tenant: other })]);
  t.deepEqual(messages(logs.tail(acme, second, { limit: 9 })), ['b']);
  logs.remove(acme, hello);
  t.deepEqual(logs.tail(acme, hello, { limit: 9 }), []);
  t.deepEqual(messages(logs.tail(other, hello, { limit: 9 })), ['c']);
  t.deepEqual(
    logs.functions().map(({ tenant, name }) => `${tenant}/${name}`),
    ['acme/second', 'other/hello'],
  );
});

test('a function keeps its newest records within the bound, and another is not touched by its flood', (t) => {
  const retainedBytes = 20_000;
  using logs = open({ retainedBytes });
  const quiet = functionNamed('quiet');
  logs.append([record('keep me', { name: quiet })]);
  for (let batch = 0; batch < 20; batch++) {
    logs.append(Array.from({ length: 25 }, (_, index) => record(`${batch * 25 + index} ${'x'.repeat(100)}`)));
    logs.flush();
  }
  const kept = logs.tail(acme, hello, { limit: 1_000 });
  const bytes = kept.reduce((sum, one) => sum + one.message.length + 200, 0);
  t.true(bytes <= retainedBytes, `${bytes}`);
  t.true(bytes > retainedBytes / 2, `${bytes}`);
  t.regex(kept.at(-1)?.message ?? '', /^499 /);
  const first = Number(kept[0]?.message.split(' ')[0]);
  t.deepEqual(
    kept.map((one) => Number(one.message.split(' ')[0])),
    Array.from({ length: 500 - first }, (_, index) => first + index),
  );
  t.deepEqual(messages(logs.tail(acme, quiet, { limit: 9 })), ['keep me']);
});

test('the bound holds for empty lines and for what was kept before a restart', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-logs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'logs.db');
  for (let start = 0; start < 4; start++) {
    using logs = open({ path, retainedBytes: 10_000 });
    logs.append(Array.from({ length: 40 }, () => record('')));
    t.true(logs.tail(acme, hello, { limit: 1_000 }).length <= 50);
  }
});

test('ids go on after a restart, also when the newest records are gone', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-logs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'logs.db');
  {
    using logs = open({ path });
    logs.append([record('a'), record('b')]);
    logs.remove(acme, hello);
  }
  using logs = open({ path });
  t.deepEqual(
    logs.append([record('c')]).map((one) => one.id),
    [3],
  );
});

test('what was appended is on the disk after close, without a turn of the event loop', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-logs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'logs.db');
  const first = open({ path });
  first.append([record('last words')]);
  first.close();
  using logs = open({ path });
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 9 })), ['last words']);
});

test('a giant message is cut at a character and says how much is missing', (t) => {
  using logs = open({ retainedBytes: 4_001 });
  const [stored] = logs.append([record('é'.repeat(2_000))]);
  t.regex(stored?.message ?? '', /^é{500}… \(3000 bytes cut\)$/);
  t.deepEqual(logs.tail(acme, hello, { limit: 1 }), [stored!]);
});

test('a log that cannot be written is reported and does not throw', (t) => {
  const reports: string[] = [];
  const logs = open({ report: (message) => reports.push(message) });
  logs.append([record('a')]);
  logs.append([{ ...record('b'), level: null } as unknown as LogRecord]);
  t.deepEqual(logs.tail(acme, hello, { limit: 9 }), []);
  t.deepEqual(reports, ['logs of functions could not be written, and 2 are lost']);
  logs.append([record('c')]);
  t.deepEqual(messages(logs.tail(acme, hello, { limit: 9 })), ['c']);
  t.deepEqual(reports.slice(1), ['logs of functions are written again after 0 s; 2 were lost']);
  logs.close();
});

test('a tail is of what is wanted: by time, level, invocation and trace, and all of it at once', (t) => {
  using logs = open();
  const [one, two] = ['019abc01' as InvocationId, '019abc02' as InvocationId];
  logs.append([
    record('early', { timestampMs: 1, invocationId: one }),
    record('warned', {
      timestampMs: 5,
      invocationId: one,
      level: 'warn',
      traceId: 'a'.repeat(32),
      spanId: 'b',
    }),
    record('failed', {
      timestampMs: 6,
      invocationId: two,
      level: 'error',
      traceId: 'a'.repeat(32),
      spanId: 'c',
    }),
    record('late', { timestampMs: 9, invocationId: two, level: 'debug' }),
  ]);
  const wanted = (filter: object, limit = 10) => messages(logs.tail(acme, hello, { limit, ...filter }));
  t.deepEqual(wanted({ sinceMs: 5 }), ['warned', 'failed', 'late']);
  t.deepEqual(wanted({ level: 'warn' }), ['warned', 'failed']);
  t.deepEqual(wanted({ level: 'trace' }), ['early', 'warned', 'failed', 'late']);
  t.deepEqual(wanted({ invocationId: one }), ['early', 'warned']);
  t.deepEqual(wanted({ traceId: 'a'.repeat(32) }), ['warned', 'failed']);
  t.deepEqual(wanted({ traceId: 'a'.repeat(32), level: 'error', sinceMs: 6 }), ['failed']);
  t.deepEqual(wanted({ traceId: 'c'.repeat(32) }), []);
  // The limit is of those that are wanted, not of those that are looked at.
  t.deepEqual(wanted({ level: 'warn' }, 1), ['failed']);
  const [warned] = logs.tail(acme, hello, { limit: 1, invocationId: one });
  t.like(warned, { traceId: 'a'.repeat(32), spanId: 'b' });
});

test('all functions of a tenant together keep a bounded log, and other tenants lose nothing by it', (t) => {
  using logs = open({ retainedBytes: 100_000, retainedBytesPerTenant: 20_000 });
  const other = tenantNamed('other');
  logs.append([record('kept', { tenant: other })]);
  for (let n = 0; n < 200; n++) {
    logs.append([record(`${n}`, { name: functionNamed(`f${n % 4}`) })]);
    logs.flush();
  }
  const kept = [0, 1, 2, 3].flatMap((n) => logs.tail(acme, functionNamed(`f${n}`), { limit: 1_000 }));
  // 200 bytes each beside the message.
  t.true(kept.length * 200 <= 20_000, `${kept.length} records`);
  t.true(kept.length * 203 > 20_000 * 0.8, `${kept.length} records`);
  const numbers = kept.map(({ message }) => Number(message)).sort((a, b) => a - b);
  t.deepEqual(
    numbers,
    Array.from({ length: kept.length }, (_, i) => 200 - kept.length + i),
    'the newest of all',
  );
  t.deepEqual(messages(logs.tail(other, hello, { limit: 10 })), ['kept']);
});
