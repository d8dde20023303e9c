import test from 'ava';
import { createImports, IMPORT_KEYS } from '../../host/wasi/imports.ts';
import { OFFERED_INTERFACES } from '../../host/wasi/offered.ts';
import { offeredFunctions } from '../../host/wasi/offered-functions.ts';
import { offeredPackages, packageFunctions } from '../harness/offered-component.ts';
import { witFunctions } from '../harness/wit-functions.ts';
import { createFakeContext } from './fake-context.ts';

/** The key under which an offered interface is bound. */
function keyOf({ interface: name, versions }: (typeof OFFERED_INTERFACES)[number]): string {
  return versions === '0.3' || versions.includes('-') ? `${name}@${versions}` : name;
}

test('exactly what is offered is there', (t) => {
  t.deepEqual([...IMPORT_KEYS].sort(), OFFERED_INTERFACES.map(keyOf).sort());
  const imports = createImports(createFakeContext());
  for (const key of IMPORT_KEYS) t.is(typeof imports[key], 'object', key);
  t.is(imports['wasi:cli/no-such-interface'], undefined);
});

test('the functions of each interface, and their types, are those of its package', async (t) => {
  const types = await packageFunctions();
  const packages = await offeredPackages();
  for (const { interface: name, versions } of OFFERED_INTERFACES) {
    const offered = Object.fromEntries(offeredFunctions(name, versions));
    t.deepEqual(offered, types[`${name}@${versions}`], `${name}@${versions}`);
    const functions = new Map(packages.get(versions)!.flatMap((wit) => [...witFunctions(wit)]));
    t.deepEqual(
      Object.keys(offered),
      functions.get(name),
      'none is left out of the component that imports all',
    );
  }
});

test('resource classes are the same for all invocations, functions are not shared where they have state', (t) => {
  const [one, two] = [createImports(createFakeContext()), createImports(createFakeContext())];
  const streams = 'wasi:io/streams';
  t.is(one[streams], two[streams]);
  t.not(one['wasi:filesystem/preopens'], two['wasi:filesystem/preopens']);
});

test('an invocation has one of each interface, however often it asks', (t) => {
  const imports = createImports(createFakeContext());
  for (const key of IMPORT_KEYS) t.is(imports[key], imports[key], key);
});
