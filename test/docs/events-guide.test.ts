/** The commands of docs/events.md, run as it stands there, by a shell, against a host. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { type TestHost, testHost } from '../harness/host.ts';
import { RedisServer } from '../harness/redis-server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What a reader would type, of a section of the guide. */
async function commandsOf(heading: string): Promise<string[]> {
  const guide = await readFile(join(ROOT, 'docs/events.md'), 'utf8');
  const section = guide.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, commands = '']) => commands);
}

interface Shell {
  readonly commands: readonly string[];
  readonly host: TestHost;
  readonly env?: Readonly<Record<string, string>>;
}

/** Types the commands into a shell that has the command line. */
async function typed(t: ExecutionContext, { commands, host, env = {} }: Shell) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-guide-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const command = join(folder, 'mayfly');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${ROOT}guest-sdk/cli/main.ts' "$@"\n`);
  await chmod(command, 0o755);

  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], {
    cwd: ROOT,
    env: {
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      HOME: process.env['HOME'] ?? '',
      MAYFLY_URL: host.origin,
      MAYFLY_KEY: host.running.adminKey.key,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Its loops wait for what the guide promises; without it they would go on beyond the test.
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  const status = await promise;
  t.log(output);
  return { status, output };
}

test('the commands of the guide make a pipeline that does what the guide says', async (t) => {
  t.timeout(240_000);
  const commands = await commandsOf('A pipeline to follow');
  t.true(commands.length >= 6);
  const host = await testHost(t, {
    env: { MAYFLY_THREADS: '1', MAYFLY_SECRETS_KEY: randomBytes(32).toString('base64') },
  });

  const { status, output } = await typed(t, { commands, host });

  t.is(status, 0);
  t.is(output.split('{"accepted":4}').length, 3, 'posted twice');
  t.true(output.includes('report: 3 orders, 39 in all'));
  t.regex(output, /dropped [01]\b/);
  const { json } = await host.api('/queues/priced');
  t.true(json.counts.ready >= 1);
});

test('the commands of the guide find what a stream had too many attempts at, and try it again', async (t) => {
  t.timeout(240_000);
  const [deploy] = (await commandsOf('A pipeline to follow'))[0]!.split('\n');
  const commands = await commandsOf('Dead letters');
  t.true(commands.length >= 1);
  const redis = await RedisServer.start();
  t.teardown(() => redis[Symbol.asyncDispose]());
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_REDIS_URL: redis.url } });

  const env = { MAYFLY_REDIS_URL: redis.url };
  const { status, output } = await typed(t, { commands: [deploy!, ...commands], host, env });

  t.is(status, 0);
  t.true(output.includes('1 ready to be tried again'));
  t.regex(output, /dropped 1\b/);
  t.like((await host.api('/event-source-mappings/feed')).json, {
    status: { counts: { succeeded: 1, dead: 2 } },
    counts: { dead: 0 },
  });
});
