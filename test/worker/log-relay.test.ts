import test from 'ava';
import type { StoredLogRecord } from '../../host/store/log-store.ts';
import { LogRelay } from '../../host/worker/log-relay.ts';
import { functionNamed, tenantNamed } from '../store/publications.ts';

const hello = functionNamed('hello');
const record = (tenant: string, message: string): StoredLogRecord =>
  ({ tenant: tenantNamed(tenant), name: hello, message }) as StoredLogRecord;

test('whoever follows a log of a tenant that goes hears nothing of a later one of its name', (t) => {
  const relay = new LogRelay(() => {});
  const heard: string[] = [];
  const follow = (tenant: string, who: string) =>
    relay.follow(tenantNamed(tenant), hello, ({ message }) => heard.push(`${who}: ${message}`));
  const early = follow('acme', 'early');
  const other = follow('acme-2', 'other');
  relay.hear({ kind: 'records', records: [record('acme', 'one'), record('acme-2', 'two')] });
  relay.hear({ kind: 'tenant-gone', tenant: tenantNamed('acme') });
  const late = follow('acme', 'late');
  early();
  relay.hear({ kind: 'records', records: [record('acme', 'three'), record('acme-2', 'four')] });
  t.deepEqual(heard, ['early: one', 'other: two', 'late: three', 'other: four']);
  late();
  other();
});
