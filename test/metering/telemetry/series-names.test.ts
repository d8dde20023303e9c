import test from 'ava';
import { OTHER, SeriesNames } from '../../../host/metering/telemetry/series-names.ts';
import { NAME_PATTERN } from '../../../host/model/ids.ts';
import { Random, seedOf } from '../../instrument/random.ts';

test('a name is kept for good once it has been given', (t) => {
  const names = new SeriesNames({ maxTenants: 1, perTenant: 1 });
  const first = names.of('a', 'x');
  t.like(first, { tenant: 'a', name: 'x', isFolded: false });
  t.like(names.of('a', 'y'), { tenant: 'a', name: OTHER, isFolded: true });
  t.like(names.of('b', 'x'), { tenant: OTHER, name: OTHER, isFolded: true });
  t.is(names.of('a', 'x'), first);
  t.is(names.size, 1);
});

test('nobody can be called what is folded', (t) => {
  t.notRegex(OTHER, NAME_PATTERN);
});

test('there are never more series than the bounds allow, and nobody takes what another tenant may have', (t) => {
  const seed = seedOf('MAYFLY_SERIES_SEED');
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 50; round++) {
    const bounds = { maxTenants: random.below(5), perTenant: random.below(5) };
    const names = new SeriesNames(bounds);
    const series = new Set<string>();
    const own = new Map<string, Set<string>>();
    for (let n = 0; n < 300; n++) {
      const tenant = `t${random.below(8)}`;
      const { tenant: shown, name, isFolded } = names.of(tenant, `f${random.below(8)}`);
      series.add(`${shown}/${name}`);
      t.is(isFolded, name === OTHER);
      t.true(shown === tenant || shown === OTHER);
      if (!isFolded) own.set(tenant, (own.get(tenant) ?? new Set()).add(name));
    }
    t.true(series.size <= bounds.maxTenants * (bounds.perTenant + 1) + 1, `seed ${seed}`);
    t.true(own.size <= bounds.maxTenants);
    for (const each of own.values()) t.true(each.size <= bounds.perTenant);
  }
});
