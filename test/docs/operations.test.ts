/** docs/operations.md names settings, commands and alerts that there are, and its backup commands do what it says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Command } from 'commander';
import { resolveConfig } from '../../host/config.ts';
import { HOST_LIMITS } from '../../host/limits.ts';
import { testHost } from '../harness/host.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COMMANDS = new URL('../../guest-sdk/cli/commands/', import.meta.url);

const guide = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');

function blocks(language: string): string[] {
  return [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, text]) =>
    name === language ? [text!] : [],
  );
}

test('the unit starts what is there, with settings that the host takes, and stops after a drain', async (t) => {
  const unit = blocks('ini').find((text) => text.includes('Restart='))!;
  const settings = [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!] as const);
  const settingOf = (name: string): string => settings.find(([key]) => key === name)?.[1] ?? '';
  const environment = settings
    .filter(([name]) => name === 'Environment')
    .map(([, value]) => value.split('=') as [string, string]);
  const config = resolveConfig(Object.fromEntries(environment), '/');
  t.is(config.dataDir, `/var/lib/${settingOf('StateDirectory')}`);
  const [node = '', main = ''] = settingOf('ExecStart').split(' ');
  const folder = `${settingOf('WorkingDirectory')}/`;
  t.true(node.startsWith(folder));
  await access(join(ROOT, node.slice(folder.length)));
  await access(join(ROOT, main));
  t.true(Number(settingOf('TimeoutStopSec')) * 1_000 > HOST_LIMITS.drainTimeoutMs);
  t.true(
    Number(settingOf('LimitNOFILE')) >= 2 * 3 * HOST_LIMITS.connectionsPerThread + 1_000,
    'for two threads',
  );
});

test('every alert that ships has a paragraph, and every paragraph an alert', async (t) => {
  const rules = await readFile(join(ROOT, 'docs/telemetry/alerts.yaml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  t.true(alerts.length > 5);
  t.deepEqual(
    [...guide.matchAll(/^### (Mayfly\w+)$/gm)].map(([, name]) => name),
    alerts,
  );
});

test('every command that the guide names is one of the command line, with its options', async (t) => {
  const named = [...guide.matchAll(/(?:`|^|&& |main\.ts )mayfly ([a-z-]+)([^`\n&|]*)/gm)];
  t.true(named.length > 20);
  for (const [text, name = '', rest = ''] of named) {
    const module = (await import(new URL(`${name}.ts`, COMMANDS).href)) as Record<string, () => Command>;
    const command = Object.values(module).find((value) => typeof value === 'function')!();
    t.is(command.name(), name);
    const [first = ''] = rest.trim().split(' ');
    const sub = command.commands.find((each) => each.name() === first);
    if (command.commands.length > 0) t.truthy(sub, text);
    const options = (sub ?? command).options.map(({ long }) => long);
    for (const option of rest.match(/--[a-z-]+/g) ?? [])
      t.true(options.includes(option), `${text}: ${option}`);
  }
});

test('the commands of a backup leave one that a copy elsewhere has', async (t) => {
  const [commands = ''] = blocks('sh');
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1' } });
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-operations-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const elsewhere = join(folder, 'elsewhere');
  await mkdir(elsewhere);
  const scripts = {
    mayfly: `exec '${process.execPath}' '${ROOT}guest-sdk/cli/main.ts' "$@"`,
    // What the machine of a test need not have.
    rsync: 'test "$1 $2" = "-a --delete" && cp -a "$3." "$4"',
  };
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    env: {
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      HOME: folder,
      MAYFLY_URL: host.origin,
      MAYFLY_KEY: host.running.adminKey.key,
      DATA: host.config.dataDir,
      ELSEWHERE: elsewhere,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.deepEqual(await once(child, 'close'), [0, null]);
  const [backup = ''] = await readdir(elsewhere);
  t.deepEqual(await readdir(join(host.config.dataDir, 'backups')), [backup]);
  t.true((await readdir(join(elsewhere, backup))).includes('registry.db'));
});
