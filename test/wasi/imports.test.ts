import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'ava';
import { createImports, IMPORT_KEYS } from '../../host/wasi/imports.ts';
import { OFFERED_INTERFACES } from '../../host/wasi/offered.ts';
import { offeredFunctions } from '../../host/wasi/offered-functions.ts';
import { witFunctions } from '../harness/wit-functions.ts';
import { createFakeContext } from './fake-context.ts';

const WIT = join(
  dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')),
  '../lib/wit/builtin',
);

/** The key under which an offered interface is bound. */
function keyOf({ interface: name, versions }: (typeof OFFERED_INTERFACES)[number]): string {
  return versions === '0.3' || versions.includes('-') ? `${name}@${versions}` : name;
}

function ownWit(name: string): Promise<string> {
  return readFile(new URL(`../../wit/${name}.wit`, import.meta.url), 'utf8');
}

test('exactly what is offered is there', (t) => {
  t.deepEqual([...IMPORT_KEYS].sort(), OFFERED_INTERFACES.map(keyOf).sort());
  const imports = createImports(createFakeContext());
  for (const key of IMPORT_KEYS) t.is(typeof imports[key], 'object', key);
  t.is(imports['wasi:cli/no-such-interface'], undefined);
});

test('the functions of each interface are those of its package', async (t) => {
  const packages = (folder: string, names: readonly string[]) =>
    Promise.all(names.map((name) => readFile(join(WIT, folder, `wasi-${name}`, 'package.wit'), 'utf8')));
  const texts = [
    ['0.2', await packages('0.2.12', ['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets'])],
    ['0.3', await packages('0.3.0', ['cli', 'clocks', 'http', 'random'])],
    ['0.1', await Promise.all(['mayfly-http', 'mayfly-telemetry'].map(ownWit))],
    ['0.2.0-rc.2', [await ownWit('wasi-otel')]],
  ] as const;
  const functions = new Map<string, string[]>();
  for (const [versions, wits] of texts) {
    for (const wit of wits)
      for (const [name, found] of witFunctions(wit)) functions.set(`${name}@${versions}`, found);
  }
  for (const { interface: name, versions } of OFFERED_INTERFACES) {
    const offered = [...offeredFunctions(name, versions)];
    t.deepEqual(offered, functions.get(`${name}@${versions}`), `${name}@${versions}`);
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
