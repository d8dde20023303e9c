import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { MasterKeyError, MasterKeys } from '../../host/store/master-keys.ts';
import { Registry } from '../../host/store/registry.ts';
import type { SecretReference } from '../../host/store/sealed-secret.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');
const hello = functionNamed('hello');
const keyText = (): string => randomBytes(32).toString('base64');
const secret = (name: string, fn = hello, tenant = acme): SecretReference => ({ tenant, function: fn, name });

async function pathOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-secrets-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return join(folder, 'registry.db');
}

function registryWith(path: string, ...keys: string[]): Registry {
  const registry = new Registry({ path, masterKeys: new MasterKeys(keys) });
  for (const tenant of [acme, tenantNamed('other')]) {
    registry.tenants.ensure(tenant, {}, 1);
    for (const name of ['hello', 'twin'])
      registry.functions.publish(publicationOf(tenant, functionNamed(name), 'x'), { functionsPerTenant: 9 });
  }
  return registry;
}

test("a secret is its function's, is replaced and deleted, and goes with the function", (t) => {
  using registry = registryWith(':memory:', keyText());
  registry.secrets.set(secret('TOKEN'), 'one', 1);
  registry.secrets.set(secret('OTHER'), '', 2);
  registry.secrets.set(secret('TOKEN'), 'zwei ü', 3);
  t.deepEqual(registry.secrets.values(acme, hello), { OTHER: '', TOKEN: 'zwei ü' });
  t.deepEqual(registry.secrets.list(acme, hello), [
    { name: 'OTHER', updatedAtMs: 2 },
    { name: 'TOKEN', updatedAtMs: 3 },
  ]);
  t.deepEqual(registry.secrets.values(acme, functionNamed('twin')), {});
  registry.secrets.remove(secret('OTHER'), 4);
  t.throws(() => registry.secrets.remove(secret('OTHER'), 4), { code: 'secret_not_found' } as never);
  registry.functions.remove(acme, hello);
  registry.functions.publish(publicationOf(acme, hello, 'y'), { functionsPerTenant: 9 });
  t.deepEqual(registry.secrets.values(acme, hello), {});
});

test('whoever runs the function hears of each change', (t) => {
  using registry = registryWith(':memory:', keyText());
  const heard: string[] = [];
  registry.functions.onChange((tenant, name) => heard.push(`${tenant}/${name}`));
  registry.secrets.set(secret('TOKEN'), 'one', 1);
  registry.secrets.remove(secret('TOKEN'), 2);
  t.deepEqual(heard, ['acme/hello', 'acme/hello']);
});

test('a row that is copied to another tenant, function or name opens nothing', async (t) => {
  const path = await pathOf(t);
  const key = keyText();
  for (const change of ["tenant = 'other'", "function = 'twin'", "name = 'ADMIN'"]) {
    {
      using registry = registryWith(path, key);
      registry.secrets.set(secret('TOKEN'), 'swordfish', 1);
      t.is(registry.secrets.values(acme, hello)['TOKEN'], 'swordfish');
    }
    const database = new DatabaseSync(path);
    database.exec(`UPDATE secrets SET ${change}`);
    database.close();
    using registry = registryWith(path, key);
    const row = [acme, tenantNamed('other')].flatMap((tenant) =>
      ['hello', 'twin'].map(functionNamed).map((name) => ({ tenant, name })),
    );
    const moved = row.find(({ tenant, name }) => registry.secrets.list(tenant, name).length > 0)!;
    const error = t.throws(() => registry.secrets.values(moved.tenant, moved.name), {
      code: 'secrets_unavailable',
    } as never);
    t.false(error?.message.includes('swordfish'));
    for (const { name } of registry.secrets.list(moved.tenant, moved.name))
      registry.secrets.remove(secret(name, moved.name, moved.tenant), 2);
  }
});

test('a bit that was changed in the file is noticed, wherever it is', async (t) => {
  const path = await pathOf(t);
  const key = keyText();
  for (const column of ['wrapped_key', 'sealed']) {
    for (const at of [0, 5, 12, 20, 28]) {
      {
        using registry = registryWith(path, key);
        registry.secrets.set(secret('TOKEN'), 'swordfish', 1);
      }
      const database = new DatabaseSync(path);
      const bytes = database.prepare(`SELECT ${column} AS bytes FROM secrets`).get()?.['bytes'] as Uint8Array;
      bytes[at]! ^= 1;
      database.prepare(`UPDATE secrets SET ${column} = ?`).run(bytes);
      database.close();
      using registry = registryWith(path, key);
      t.throws(
        () => registry.secrets.values(acme, hello),
        { code: 'secrets_unavailable' } as never,
        `${column} ${at}`,
      );
    }
  }
});

test('a new key takes over what the old one sealed, and the old one is needed no more', async (t) => {
  const path = await pathOf(t);
  const [first, second] = [keyText(), keyText()];
  {
    using registry = registryWith(path, first);
    registry.secrets.set(secret('TOKEN'), 'swordfish', 1);
  }
  {
    using registry = registryWith(path, second);
    t.deepEqual(registry.secrets.rotate(), { rewrapped: 0, lost: 1 });
    t.throws(() => registry.secrets.values(acme, hello), { code: 'secrets_unavailable' } as never);
  }
  {
    using registry = registryWith(path, second, first);
    t.deepEqual(registry.secrets.rotate(), { rewrapped: 1, lost: 0 });
    t.deepEqual(registry.secrets.rotate(), { rewrapped: 0, lost: 0 });
  }
  using registry = registryWith(path, second);
  t.deepEqual(registry.secrets.values(acme, hello), { TOKEN: 'swordfish' });
});

test('neither value nor key is in the file', async (t) => {
  const path = await pathOf(t);
  const key = keyText();
  {
    using registry = registryWith(path, key);
    registry.secrets.set(secret('TOKEN'), 'a-value-to-look-for', 1);
  }
  const bytes = await readFile(path);
  for (const text of ['a-value-to-look-for', key, Buffer.from('a-value-to-look-for').toString('base64')])
    t.false(bytes.includes(text));
  t.false(bytes.includes(Buffer.from(key, 'base64')));
});

test('the same value is sealed differently each time', async (t) => {
  const path = await pathOf(t);
  {
    using registry = registryWith(path, keyText());
    registry.secrets.set(secret('A'), 'same', 1);
    registry.secrets.set(secret('B'), 'same', 1);
  }
  const database = new DatabaseSync(path);
  t.teardown(() => database.close());
  const [one, other] = database.prepare('SELECT wrapped_key, sealed FROM secrets').all();
  t.notDeepEqual(one?.['sealed'], other?.['sealed']);
  t.notDeepEqual(one?.['wrapped_key'], other?.['wrapped_key']);
});

test('without a key nothing is sealed, and a function has as many secrets as it may', (t) => {
  {
    using registry = registryWith(':memory:');
    t.throws(() => registry.secrets.set(secret('A'), 'x', 1), { code: 'secrets_unavailable' } as never);
  }
  using registry = registryWith(':memory:', keyText());
  registry.secrets.set(secret('LARGE'), 'x'.repeat(60_000), 1);
  t.throws(() => registry.secrets.set(secret('MORE'), 'x'.repeat(6_000), 1), {
    code: 'secrets_limit_reached',
  } as never);
  registry.secrets.set(secret('LARGE'), 'x', 1);
  for (let made = 1; made < 64; made++) registry.secrets.set(secret(`S${made}`), 'x', 1);
  t.throws(() => registry.secrets.set(secret('MORE'), 'x', 1), { code: 'secrets_limit_reached' } as never);
  registry.secrets.set(secret('S1'), 'y', 1);
});

test('what is no key is refused without showing it', (t) => {
  for (const text of [
    '',
    'short',
    randomBytes(31).toString('base64'),
    `${keyText()}x`,
    randomBytes(32).toString('hex'),
  ]) {
    const error = t.throws(() => new MasterKeys([text]), { instanceOf: MasterKeyError });
    if (text !== '') t.false(error?.message.includes(text));
  }
});
