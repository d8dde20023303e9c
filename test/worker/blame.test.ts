import test from 'ava';
import { QUARANTINE } from '../../host/limits/limits.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { Blame, type Suspect } from '../../host/worker/blame.ts';

const suspect = (tenant: string, name: string, ended = 0, version = 1): Suspect => ({
  tenant: tenant as TenantName,
  name: name as FunctionName,
  version,
  ended,
});

/** How many deaths it takes until somebody is quarantined, and who is. */
function deathsUntilQuarantine(blame: Blame, suspects: (death: number) => Suspect[]): [number, string[]] {
  for (let death = 1; death <= 1_000; death++) {
    const found = blame.record(suspects(death), 'killed', death * 1_000);
    if (found.length > 0) return [death, found.map(({ tenant, name }) => `${tenant}/${name}`)];
  }
  return [Number.POSITIVE_INFINITY, []];
}

test('a function that was alone on threads that died is quarantined at the third', (t) => {
  const result = deathsUntilQuarantine(new Blame(), () => [suspect('a', 'killer')]);
  t.deepEqual(result, [QUARANTINE.blame, ['a/killer']]);
});

test('a busy function of somebody else is acquitted, the killer beside it is not', (t) => {
  const result = deathsUntilQuarantine(new Blame(), (death) => [
    suspect('a', 'killer', 0),
    suspect('b', 'busy', death * 500),
  ]);
  t.deepEqual(result, [6, ['a/killer']]);
});

test('one tenant’s many functions share no blame with one another', (t) => {
  const blame = new Blame();
  const [deaths, found] = deathsUntilQuarantine(blame, () =>
    Array.from({ length: 100 }, (_, i) => suspect('a', `f${i}`)),
  );
  t.is(deaths, 3);
  t.is(found.length, 100);
});

test('deaths that lie too far apart are not held together', (t) => {
  const blame = new Blame();
  for (let i = 0; i < 20; i++) {
    t.deepEqual(blame.record([suspect('a', 'old')], 'killed', i * (QUARANTINE.windowMs / 2 + 1)), []);
  }
});

test('a new version begins without blame, and a quarantine says what it is for', (t) => {
  const blame = new Blame();
  blame.record([suspect('a', 'f')], 'heap exhausted', 0);
  blame.record([suspect('a', 'f')], 'heap exhausted', 1);
  t.deepEqual(blame.record([suspect('a', 'f', 0, 2)], 'heap exhausted', 2), []);
  const [found] = blame.record([suspect('a', 'f')], 'aborted', 3);
  t.is(found?.version, 1);
  t.regex(found!.reason, / 3 times .*\(heap exhausted; aborted\)/);
});

test('the count of survivors may wrap', (t) => {
  const ends = [-5, 2, 9].map((offset) => (2 ** 31 + offset) | 0);
  const blame = new Blame();
  const results = ends.map((ended, i) => blame.record([suspect('a', 'f', ended)], 'killed', i));
  t.deepEqual(
    results.map(({ length }) => length),
    [0, 0, 1],
  );
});

test('who is known to have done it is acquitted by nothing', (t) => {
  const blame = new Blame();
  const quarantined = (death: number, isProven: boolean) =>
    blame.record([suspect('a', 'seldom', death * 10_000)], 'kept', death * 1_000, isProven).length;
  t.is(quarantined(1, true) + quarantined(2, true), 0);
  // A death that it only was there for proves nothing.
  t.is(quarantined(3, false), 0);
  t.is(quarantined(4, true), 1);
});
