import { randomInt } from 'node:crypto';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

/** mulberry32: small, seeded, good enough to pick operations. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

interface ModelFunction {
  /** Contents by version number. */
  readonly versions: Map<number, string>;
  live: number;
  fuel: number;
}

/** The registry in twenty lines of maps: what it should do, without how. */
class Model {
  readonly functions = new Map<string, ModelFunction>();
  readonly counters = new Map<string, number>();

  publish(key: string, content: string, most: number): string {
    let entry = this.functions.get(key);
    if (!entry) {
      const tenant = key.split('/')[0];
      const owned = [...this.functions.keys()].filter((other) => other.split('/')[0] === tenant);
      if (owned.length >= most) return 'functions_limit_reached';
      entry = { versions: new Map(), live: 0, fuel: 10_000_000_000 };
      this.functions.set(key, entry);
    }
    const known = [...entry.versions].find(([, other]) => other === content)?.[0];
    const version = known ?? (this.counters.get(key) ?? 0) + 1;
    if (known === undefined) this.counters.set(key, version);
    entry.versions.set(version, content);
    entry.live = version;
    return `v${version} created=${known === undefined}`;
  }

  setLive(key: string, version: number): string {
    const entry = this.functions.get(key);
    if (!entry) return 'function_not_found';
    if (!entry.versions.has(version)) return 'version_not_found';
    entry.live = version;
    return 'ok';
  }

  configure(key: string, fuel: number): string {
    const entry = this.functions.get(key);
    if (!entry) return 'function_not_found';
    entry.fuel = fuel;
    return 'ok';
  }

  remove(key: string): string {
    return this.functions.delete(key) ? 'ok' : 'function_not_found';
  }
}

const tenants = ['red', 'blue'].map(tenantNamed);
const names = ['a', 'b', 'c', 'd'].map(functionNamed);
const contents = ['1', '2', '3', '4', '5'];
const FUNCTIONS_PER_TENANT = 3;

function attempt(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof MayflyError) return error.code;
    throw error;
  }
}

test('random sequences of operations leave the registry as they leave a simple model', (t) => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  t.log(`SEED=${seed}`);
  const pick = randomFrom(seed);
  using registry = new Registry({ path: ':memory:' });
  for (const tenant of tenants) registry.tenants.ensure(tenant, {}, 0);
  const model = new Model();

  for (let step = 0; step < 3_000; step++) {
    const tenant = tenants[pick(tenants.length)]!;
    const name = names[pick(names.length)]!;
    const key = `${tenant}/${name}`;
    const content = contents[pick(contents.length)]!;
    const number = 1 + pick(8);
    const operation = pick(10);
    let expected: string;
    let actual: string;
    if (operation < 5) {
      expected = model.publish(key, content, FUNCTIONS_PER_TENANT);
      actual = attempt(() => {
        const bounds = { functionsPerTenant: FUNCTIONS_PER_TENANT };
        const { version, created } = registry.functions.publish(
          publicationOf(tenant, name, content, step),
          bounds,
        );
        return `v${version.version} created=${created}`;
      });
    } else if (operation < 7) {
      expected = model.setLive(key, number);
      actual = attempt(() => {
        registry.functions.setLive(tenant, name, number, step);
        return 'ok';
      });
    } else if (operation < 9) {
      expected = model.configure(key, 1_000 + number);
      actual = attempt(() => {
        registry.functions.configure(
          tenant,
          name,
          { fuel: 1_000 + number, reservedConcurrency: number },
          step,
        );
        return 'ok';
      });
    } else {
      expected = model.remove(key);
      actual = attempt(() => {
        registry.functions.remove(tenant, name);
        return 'ok';
      });
    }
    if (expected !== actual)
      t.fail(`step ${step}, ${key}: the model says ${expected}, the registry ${actual}`);

    const entry = model.functions.get(key);
    const live = registry.functions.live(tenant, name);
    t.is(live?.version, entry?.live);
    t.is(live?.configuration.fuel, entry?.fuel);
    t.deepEqual(
      registry.functions.versions(tenant, name).map((version) => version.version),
      [...(entry?.versions.keys() ?? [])].sort((a, b) => b - a),
    );
    const owned = registry.functions.list(tenant);
    const stored = owned.flatMap((each) => registry.functions.versions(tenant, each.name));
    const use = registry.quotas.stored(tenant);
    t.is(use.functions, owned.length);
    t.is(use.versions, stored.length);
    t.is(
      use.storedBytes,
      stored.reduce((sum, { sizes }) => sum + sizes.uploadBytes + sizes.codeBytes + sizes.glueBytes, 0),
    );
    t.is(
      use.reservedConcurrency,
      owned.reduce((sum, { configuration }) => sum + configuration.reservedConcurrency, 0),
    );
    const wanted = entry && publicationOf(tenant, name, entry.versions.get(entry.live)!).artifactKey;
    t.is(live?.artifactKey, wanted);
  }
  t.is(tenants.flatMap((tenant) => registry.functions.list(tenant)).length, model.functions.size);
});
