import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseQuantity } from '../../guest-sdk/cli/quantity.ts';
import { resolveSettings } from '../../guest-sdk/cli/settings.ts';
import { Progress, plain, table } from '../../guest-sdk/cli/terminal.ts';

test('the admin key of this machine is offered to this machine alone', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-settings-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'admin.key'), 'secret\n');
  const env = { MAYFLY_DATA_DIR: folder };
  const keyFor = async (host: string): Promise<string | undefined> =>
    (await resolveSettings({ host }, env)).key;
  for (const host of ['http://127.0.0.1:8787', 'http://localhost:1', 'http://[::1]:8787'])
    t.is(await keyFor(host), 'secret');
  for (const host of [
    'https://example.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'http://10.0.0.1',
  ]) {
    t.is(await keyFor(host), undefined, host);
  }
});

test('flags win over the environment', async (t) => {
  const env = { MAYFLY_URL: 'http://env.example', MAYFLY_KEY: 'env-key', MAYFLY_TENANT: 'env-tenant' };
  const fromEnv = await resolveSettings({}, env);
  t.deepEqual(
    [fromEnv.url.href, fromEnv.key, fromEnv.tenant],
    ['http://env.example/', 'env-key', 'env-tenant'],
  );
  const fromFlags = await resolveSettings(
    { host: 'https://flag.example/base', key: 'k', tenant: 'acme' },
    env,
  );
  t.deepEqual(
    [fromFlags.url.href, fromFlags.key, fromFlags.tenant],
    ['https://flag.example/base', 'k', 'acme'],
  );
  await t.throwsAsync(resolveSettings({ host: 'ftp://x' }, {}), { message: /not an http or https URL/ });
});

test('quantities are read in the unit of their setting', (t) => {
  t.is(parseQuantity('64MiB', 'By'), 67_108_864);
  t.is(parseQuantity('1.5 kb', 'By'), 1500);
  t.is(parseQuantity('2.5s', 'ms'), 2500);
  t.is(parseQuantity('10_000', 'ms'), 10_000);
  t.is(parseQuantity('1e9', 'fuel'), 1_000_000_000);
  for (const [text, unit] of [
    ['', 'By'],
    ['-1', '1'],
    ['5s', 'By'],
    ['1.5', '1'],
    ['0.0001s', 'ms'],
    ['NaN', 'fuel'],
  ] as const) {
    t.throws(() => parseQuantity(text, unit), { message: /is not a whole number/ }, text);
  }
});

test('text from elsewhere has no power over the terminal', (t) => {
  t.is(plain('a\u001b[2Jb\u001b]0;title\u0007c\td\n'), 'abc\td\n');
  t.is(plain('\rover\u0000\u0008'), '\\x0dover\\x00\\x08');
  t.is(table(['A', 'LONGER'], [['value', 'x']]), 'A      LONGER\nvalue  x');
});

function recorder(isTTY: boolean): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) > 0 };
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

test('progress is a line for each step where nobody watches', (t) => {
  const { stream, written } = recorder(false);
  {
    using progress = new Progress(stream);
    progress.step('one');
    progress.note('one took a while');
    progress.step('two');
  }
  t.deepEqual(written, ['one ...\n', 'one took a while\n', 'two ...\n']);
});

test('progress on a terminal is one line that is wiped before anything stays', (t) => {
  const { stream, written } = recorder(true);
  {
    using progress = new Progress(stream);
    progress.step('one');
    progress.note('done');
  }
  const wipe = '\r\u001b[2K';
  t.is(written.length, 4);
  t.true(written[0]?.startsWith(wipe) && written[0].endsWith(' one'));
  t.deepEqual(written.slice(1), [wipe, 'done\n', wipe]);
});
