/** Secrets on a real host: in the function's environment, and in no other place that anybody can look at. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { resolveConfig } from '../../host/config.ts';
import { type Answer, TestHost } from '../harness/host.ts';

const GUEST = `
export default {
  async fetch(request, env) {
    return Response.json({ token: env['TOKEN'] ?? null, plain: env['PLAIN'] ?? null, own: env['MAYFLY_SECRETS_KEY'] ?? null });
  },
};
`;
const VALUE = `value-${randomBytes(8).toString('hex')}`;
const keyText = (): string => randomBytes(32).toString('base64');

let dataDir: string;
let component: Uint8Array;

test.before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'mayfly-secrets-'));
  const source = join(dataDir, 'guest.ts');
  await writeFile(source, GUEST);
  ({ component } = await buildHandler(source));
});
test.after.always(() => rm(dataDir, { recursive: true, force: true }));

/** Another host on the same data folder. */
async function hostWith(env: Record<string, string>): Promise<TestHost> {
  const common = { MAYFLY_PORT: '0', MAYFLY_THREADS: '2', MAYFLY_DATA_DIR: join(dataDir, 'host') };
  const host = new TestHost(resolveConfig({ ...common, ...env }, dataDir));
  await host.start();
  return host;
}

async function setSecret(host: TestHost, value: string): Promise<Answer> {
  return host.request('/v1/tenants/default/functions/hello/secrets/TOKEN', {
    method: 'PUT',
    headers: { authorization: `Bearer ${host.running.adminKey.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ value }),
  });
}

async function seen(host: TestHost): Promise<Record<string, string | null>> {
  return JSON.parse((await host.call('hello')).text);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test.serial('a secret is seen by its function from the next request on, and by nobody else', async (t) => {
  const [first, second] = [keyText(), keyText()];
  let host = await hostWith({ MAYFLY_SECRETS_KEY: first });
  try {
    await host.deploy('hello', component, { environment: { PLAIN: 'p', TOKEN: 'weaker' } });
    await host.deploy('twin', component);
    t.is((await seen(host))['token'], 'weaker');
    t.is((await setSecret(host, VALUE)).status, 204);
    const answers = await Promise.all(Array.from({ length: 8 }, () => seen(host)));
    for (const answer of answers) t.deepEqual(answer, { token: VALUE, plain: 'p', own: null });
    t.is(JSON.parse((await host.call('twin')).text).token, null);
    const { json } = await host.api('/functions/hello');
    t.deepEqual(json.configuration.environment, { PLAIN: 'p', TOKEN: 'weaker' });
    for (const path of ['/functions/hello', '/functions/hello/logs', '/functions/hello/secrets', '/audit'])
      t.false(JSON.stringify(await host.api(path)).includes(VALUE), path);
    await host.stop();

    const needles = [VALUE, Buffer.from(VALUE).toString('base64'), Buffer.from(VALUE).toString('hex'), first];
    for (const file of await filesBelow(join(dataDir, 'host'))) {
      const bytes = await readFile(file);
      for (const needle of needles) t.false(bytes.includes(needle), `${needle} in ${file}`);
      t.false(bytes.includes(Buffer.from(first, 'base64')), file);
    }
    t.false(host.reports.join('\n').includes(VALUE));

    // The operator changes the key: by naming both once, then with the new one alone.
    host = await hostWith({ MAYFLY_SECRETS_KEY: second, MAYFLY_SECRETS_OLD_KEYS: first });
    t.is((await seen(host))['token'], VALUE);
    await host.stop();
    const file = join(dataDir, 'master.key');
    await writeFile(file, `${second}\n`);
    host = await hostWith({ MAYFLY_SECRETS_KEY_FILE: file });
    t.is((await seen(host))['token'], VALUE);
    t.deepEqual(host.reports, []);
  } finally {
    await host.stop();
  }
});

test.serial('a function whose secret cannot be opened does not run without it; others do', async (t) => {
  const host = await hostWith({ MAYFLY_SECRETS_KEY: keyText() });
  try {
    t.is(await host.failure('hello'), 'secrets_unavailable');
    t.is((await host.call('twin')).status, 200);
    t.regex(host.reports.join(), /1 secrets were sealed with a key that is not given/);
    t.is((await setSecret(host, 'another')).status, 204);
    t.is((await seen(host))['token'], 'another');
  } finally {
    await host.stop();
  }
});
