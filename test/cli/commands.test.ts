import { join } from 'node:path';
import test from 'ava';
import { commandsFor } from '../../guest-sdk/cli/commands.ts';
import type { ErrorCode } from '../../host/errors/errors.ts';
import { against, hostOf } from './against.ts';
import { KEY, sendJson, sendProblem } from './fake-host.ts';
import { folderOf } from './folder.ts';
import { mayfly } from './run-mayfly.ts';

test('a host that is not there exits 6 and says how to start one', async (t) => {
  // Not a port that was given back: another test may get it next. This one is no program's, and fetch does not refuse it.
  const { code, stderr } = await mayfly(['list', '--host', 'http://127.0.0.1:2']);
  t.is(code, 6);
  t.regex(stderr, /cannot reach http:\/\/127\.0\.0\.1:\d+: nothing listens there; start a host/);
});

test("the key of a host on this machine is found in its data folder, and goes to no other machine's", async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { '.mayfly/admin.key': `${KEY}\n`, 'data/admin.key': `${KEY}\n` });
  t.is((await mayfly(['list', '--host', host.url], { cwd })).code, 0);
  t.is((await mayfly(['list', '--host', host.url], { env: { MAYFLY_DATA_DIR: join(cwd, 'data') } })).code, 0);
  const without = await mayfly(['list', '--host', host.url]);
  t.is(without.code, 4);
  t.regex(without.stderr, /code: unauthenticated/);
  t.regex(without.stderr, /No key was sent: set MAYFLY_KEY/);
});

test('`dev` beside a host that it has no key of says how to get one of its own', async (t) => {
  const host = await hostOf(t);
  const cwd = await folderOf(t, { 'hello.ts': 'export default { fetch: () => new Response() };' });
  const { code, stderr } = await mayfly(['dev', 'hello.ts', '--host', host.url], { cwd });
  t.is(code, 4);
  t.regex(stderr, /name a free port: MAYFLY_URL=/);
});

test('a refusal that no time mends does not exit with `try again`', async (t) => {
  const host = await hostOf(t);
  const exitFor = async (code: ErrorCode): Promise<number | null> => {
    host.routes.set('GET /v1/whoami', (_, response) => sendProblem(response, code, 'Not now.'));
    return (await against(host, ['whoami'])).code;
  };
  t.is(await exitFor('host_busy'), 6);
  t.is(await exitFor('secrets_unavailable'), 1);
  t.is(await exitFor('function_quarantined'), 5);
});

test('with --json every error is JSON, of the host or of the command itself', async (t) => {
  const host = await hostOf(t);
  const errorOf = async (...args: string[]) => {
    const { code, stderr } = await against(host, [...args, '--json']);
    return { code, ...JSON.parse(stderr) };
  };
  t.like(await errorOf('inspect', 'nope'), { code: 'function_not_found', status: 404 });
  t.like(await errorOf('deploy', 'nofile.wasm'), {
    code: 'usage',
    exitCode: 2,
    title: 'nofile.wasm does not exist',
  });
  t.like(await errorOf('list', '--bogus'), { code: 'usage', exitCode: 2, title: "unknown option '--bogus'" });
  t.like(await errorOf('list', '--host', 'http://127.0.0.1:2'), { code: 'unavailable', exitCode: 6 });
});

test('the tenant is named by flag or environment', async (t) => {
  const host = await hostOf(t);
  host.routes.set('GET /v1/tenants/acme/functions', (_, response) => sendJson(response, 200, []));
  t.regex((await against(host, ['list', '--tenant', 'acme'])).stdout, /no functions yet/);
  t.regex((await against(host, ['list'], { env: { MAYFLY_TENANT: 'acme' } })).stdout, /no functions yet/);
});

test('a name that would reshape the URL never leaves the machine', async (t) => {
  const host = await hostOf(t);
  for (const args of [
    ['inspect', '../../admin'],
    ['delete', 'a/b'],
    ['invoke', '..'],
    ['list', '--tenant', '../x'],
  ]) {
    t.is((await against(host, args)).code, 2, args.join(' '));
  }
  t.deepEqual(host.received, []);
});

test('usage errors exit 2, and every command has help with an example and the exit codes', async (t) => {
  t.is((await mayfly(['nonsense'])).code, 2);
  t.is((await mayfly(['rollback', 'hello', 'zero'])).code, 2);
  t.is((await mayfly(['list', '--bogus'])).code, 2);
  // What asks no host takes none.
  t.is(
    (await mayfly(['build', 'x.ts', '--host', 'http://127.0.0.1:2'])).stderr.split('\n')[0],
    "error: unknown option '--host'",
  );
  const commands = [
    'deploy',
    'build',
    'invoke',
    'list',
    'inspect',
    'logs',
    'versions',
    'rollback',
    'configure',
    'delete',
    'tenants',
    'keys',
    'secrets',
    'audit',
  ];
  const helps = await Promise.all(
    [[], ...commands.map((name) => [name])].map((words) => mayfly([...words, '--help'])),
  );
  for (const { code, stdout } of helps) {
    t.is(code, 0);
    t.regex(stdout, /Example:\n {2}mayfly /);
    t.regex(stdout, /Exit codes:\n {2}0 {2}done\n[\s\S]*\n {2}6 {2}/);
  }
});

test('a command is loaded by the name that it goes by, without the others', async (t) => {
  const all = (await commandsFor([])).map((command) => command.name());
  t.true(all.includes('whoami'));
  t.deepEqual(
    await Promise.all(all.map(async (name) => (await commandsFor([name])).map((each) => each.name()))),
    all.map((name) => [name]),
  );
  t.is((await commandsFor(['toString'])).length, all.length);
});
