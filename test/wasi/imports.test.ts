import test from 'ava';
import { createImports } from '../../host/wasi/imports.ts';
import { OFFERED_INTERFACES } from '../../host/wasi/offered.ts';
import { createFakeContext } from './fake-context.ts';

/** The key under which an offered interface is bound. */
function keyOf({ interface: name, versions }: (typeof OFFERED_INTERFACES)[number]): string {
  return versions === '0.3' ? `${name}@0.3` : name;
}

test('exactly what is offered is there', (t) => {
  t.deepEqual(Object.keys(createImports(createFakeContext())).sort(), OFFERED_INTERFACES.map(keyOf).sort());
});

test('resource classes are the same for all invocations, functions are not shared where they have state', (t) => {
  const [one, two] = [createImports(createFakeContext()), createImports(createFakeContext())];
  const streams = 'wasi:io/streams';
  t.is(one[streams], two[streams]);
  t.not(one['wasi:filesystem/preopens'], two['wasi:filesystem/preopens']);
});
