import test from 'ava';
import {
  HOST_CALL_COLUMNS,
  HOST_CALL_KINDS,
  kindOf,
  kindOfCoreImport,
  NO_HOST_CALLS,
  newHostCalls,
} from '../../host/model/host-call-kind.ts';

const INTERFACES: Readonly<Record<string, (typeof HOST_CALL_KINDS)[number]>> = {
  'wasi:http/types@0.2.3': 'http',
  'wasi:http/client@0.3': 'http',
  'wasi:io/streams': 'io',
  'wasi:cli/environment@0.2.12': 'cli',
  'wasi:clocks/monotonic-clock@0.2': 'clocks',
  'wasi:filesystem/types@0.2.0': 'filesystem',
  'wasi:random/insecure-seed': 'random',
  'wasi:sockets/tcp': 'sockets',
  'wasi:otel/tracing@0.2.0': 'other',
  'wasi:component/x': 'other',
  'wasi:other/x': 'other',
  'mayfly:queue/producer@1.0.0': 'other',
  'evil:http/types': 'other',
  wasi: 'other',
  $root: 'other',
  '': 'other',
};

test('an interface is of the kind of its package', (t) => {
  for (const [name, kind] of Object.entries(INTERFACES))
    t.is(kindOf(name), HOST_CALL_KINDS.indexOf(kind), name);
});

test('a core import is a canonical built-in by its name, or else of the kind of its interface', (t) => {
  const kind = (namespace: string, name: string): string | undefined =>
    HOST_CALL_KINDS[kindOfCoreImport(namespace, name)];
  for (const name of ['now', '[method]a.b', '[static]a.b', '[constructor]a', '[async-lower][method]a.b'])
    t.is(kind('wasi:clocks/monotonic-clock@0.2.0', name), 'clocks', name);
  for (const name of ['[resource-drop]pollable', '[stream-new-0]read', '[async-lower][stream-read-0]read'])
    t.is(kind('wasi:io/streams@0.2.0', name), 'component', name);
  t.is(kind('$root', '[waitable-set-new]'), 'component');
  t.is(kind('[export]wasi:http/handler@0.3.0', '[task-return]handle'), 'component');
  t.is(kind('actual', '0'), 'other');
});

test('each kind has a column and a count of its own', (t) => {
  t.is(new Set(HOST_CALL_COLUMNS).size, HOST_CALL_KINDS.length);
  const counts = newHostCalls();
  t.is(counts.length, HOST_CALL_KINDS.length);
  counts[1]!++;
  t.true([...newHostCalls(), ...NO_HOST_CALLS].every((count) => count === 0));
});
