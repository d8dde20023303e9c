/** The command `npm start` as an operator meets it: what it prints, what it keeps, how it ends. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { withNote } from '../harness/component-note.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { HostProcess } from '../harness/host-process.ts';
import { childrenOf, LeakCheck } from '../harness/leaks.ts';
import { RawConnection } from '../harness/raw-connection.ts';

const leaks = new LeakCheck();
let echo: Uint8Array;
/** A data folder that has the examples. */
let startedDir: string;
test.before(async () => {
  startedDir = await mkdtemp(join(tmpdir(), 'mayfly-process-'));
  echo = await cCommand(ECHO);
});
test.after.always(async () => {
  await rm(startedDir, { recursive: true, force: true });
  await leaks.settled();
});

const NO_EXAMPLES = { MAYFLY_EXAMPLES: '0' };

async function dataFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-process-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The printed line, run by a shell as a person would. */
async function runLine(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line.trim().replace('curl -s', 'curl -sf')]);
  return stdout;
}

/** One line for each of examples/. */
const EXAMPLES = 6;

const curlLines = (host: HostProcess): string[] => host.lines.filter((line) => /^\s*curl /.test(line));

/** A request in flight: the guest has answered the first bytes and waits for the end of the body. */
async function inFlight(host: HostProcess): Promise<RawConnection> {
  const connection = await RawConnection.open(Number(new URL(host.origin).port));
  await connection.send(
    'POST /fn/default/echo/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n',
  );
  await connection.until(/first/);
  return connection;
}

test.serial('a first start deploys the examples and prints lines that call them', async (t) => {
  const dataDir = startedDir;
  await using host = await HostProcess.ready(dataDir);
  t.is((await host.request('/healthz')).status, 200);
  const lines = curlLines(host);
  t.is(lines.length, EXAMPLES, host.output);
  const answers = await Promise.all(lines.map(runLine));
  for (const answer of answers) t.true(answer.length > 0);
  t.true(answers.includes('A mayfly lives for a day.\n'));

  const keyFile = join(dataDir, 'admin.key');
  t.is((await stat(keyFile)).mode & 0o777, 0o600);
  t.is((await stat(dataDir)).mode & 0o077, 0);
  t.true(host.output.includes(`cat ${keyFile}`), 'where the key is');
  t.false(host.output.includes(await host.adminKey()), 'but not the key');
  t.deepEqual(host.errorLines, []);

  // Every example is live, with a version each.
  const before = (await host.api('/functions')).json;
  await host.api('/functions/tiny-wat/configuration', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"timeoutMs":1234}',
  });
  const key = await host.adminKey();
  host.kill('SIGTERM');
  t.deepEqual(await host.exit, { status: 0, signal: null }, host.output);

  // On another port, as it happens: the example that fetches the others follows.
  await using again = await HostProcess.ready(dataDir);
  t.is(await again.adminKey(), key);
  t.notRegex(again.output, /Building|deploying/);
  const after = (await again.api('/functions')).json;
  const versions = (list: { name: string; liveVersion: number; digest: string }[]) =>
    list.map(({ name, liveVersion, digest }) => ({ name, liveVersion, digest }));
  t.deepEqual(versions(after), versions(before));
  t.is((await again.api('/functions/tiny-wat')).json.configuration.timeoutMs, 1234);
  t.deepEqual((await Promise.all(curlLines(again).map(runLine))).length, EXAMPLES);
  const fetched = JSON.parse((await again.request('/fn/default/fetch-two-ts/')).text);
  t.deepEqual(
    fetched.results.map((result: { status: number }) => result.status),
    [200, 200],
  );
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(
    `${signal} lets requests in flight end, takes no new ones, and ends with status 0`,
    async (t) => {
      await using host = await HostProcess.ready(await dataFolder(t), NO_EXAMPLES);
      await host.publish('echo', echo);
      const port = Number(new URL(host.origin).port);
      const running = await inFlight(host);
      const idle = await RawConnection.open(port);
      const silent = await RawConnection.open(port);
      await idle.send('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
      await idle.until(/"ok"/);

      host.kill(signal);
      await host.line(/draining/);
      // Neither a connection between two requests nor one without any holds it up.
      await Promise.all([idle.closed(), silent.closed()]);
      const refused = await RawConnection.open(port).then(
        async (late) => {
          void late.send('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
          return late.closed();
        },
        (error: NodeJS.ErrnoException) => error.code ?? '',
      );
      t.regex(refused, /^$|ECONNREFUSED|ECONNRESET|^HTTP\/1\.1 503 /);

      await running.send('4\r\nlast\r\n0\r\n\r\n');
      t.regex(await running.closed(), /first.*last.*mayfly-fuel: \d+/s);
      t.deepEqual(await host.exit, { status: 0, signal: null }, host.output);
      t.deepEqual(host.errorLines, []);
    },
  );
}

test.serial('pressing Ctrl-C again does not wait for requests in flight', async (t) => {
  await using host = await HostProcess.ready(await dataFolder(t), NO_EXAMPLES);
  await host.publish('echo', echo);
  const running = await inFlight(host);
  host.kill('SIGINT');
  await host.line(/draining/);
  // As a person would: until it is gone.
  const presses = setInterval(() => host.kill('SIGINT'), 50);
  const { status } = await host.exit;
  clearInterval(presses);
  t.is(status, 130);
  await running.closed();
});

test.serial('one Ctrl-C that arrives twice, as npm start makes it, still drains', async (t) => {
  await using host = await HostProcess.ready(await dataFolder(t), NO_EXAMPLES);
  await host.publish('echo', echo);
  const running = await inFlight(host);
  // At once, so that the second comes in the half second which is one press: a signal of another kind, since two of
  // one kind may arrive as one.
  host.kill('SIGINT');
  host.kill('SIGTERM');
  await host.line(/draining/);
  await running.send('4\r\nlast\r\n0\r\n\r\n');
  t.regex(await running.closed(), /first.*last/s);
  t.is((await host.exit).status, 0);
});

test.serial('a signal during the start ends it with status 0 and without a complaint', async (t) => {
  await using host = new HostProcess(await dataFolder(t));
  await host.line(/listens on/);
  host.kill('SIGINT');
  t.deepEqual(await host.exit, { status: 0, signal: null }, host.output);
  t.deepEqual(host.errorLines, []);
});

test.serial('a drain that takes too long is cut short', async (t) => {
  await using host = await HostProcess.ready(await dataFolder(t), {
    ...NO_EXAMPLES,
    MAYFLY_DRAIN_TIMEOUT_MS: '200',
  });
  await host.publish('echo', echo);
  const running = await inFlight(host);
  host.kill('SIGTERM');
  t.notRegex(await running.closed(), /last/);
  t.is((await host.exit).status, 0, host.output);
});

/** The only line of a host that does not start. */
async function refusal(t: ExecutionContext, host: HostProcess): Promise<string> {
  t.deepEqual(await host.exit, { status: 2, signal: null }, host.output);
  t.is(host.errorLines.length, 1, host.output);
  return host.errorLines[0] ?? '';
}

test.serial('a start that cannot succeed ends with status 2 and one line that says why', async (t) => {
  const dataDir = await dataFolder(t);
  await using first = await HostProcess.ready(dataDir, NO_EXAMPLES);

  await using samePort = new HostProcess(await dataFolder(t), { MAYFLY_PORT: new URL(first.origin).port });
  t.regex(await refusal(t, samePort), /^mayfly: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/);

  await using sameFolder = new HostProcess(dataDir);
  t.regex(await refusal(t, sameFolder), /^mayfly: .*another host running on this data folder\?$/);

  await using unknown = new HostProcess(await dataFolder(t), { MAYFLY_THREAD: '2' });
  t.regex(await refusal(t, unknown), /^mayfly: MAYFLY_THREAD is not a setting.*MAYFLY_THREADS\?$/);

  await using notANumber = new HostProcess(await dataFolder(t), { MAYFLY_THREADS: 'two' });
  t.regex(await refusal(t, notANumber), /^mayfly: MAYFLY_THREADS is 'two'/);

  await using noFolder = new HostProcess(await dataFolder(t), { MAYFLY_DATA_DIR: '/dev/null/data' });
  t.regex(await refusal(t, noFolder), /^mayfly: .*\/dev\/null\/data/);

  await using noAddress = new HostProcess(await dataFolder(t), { MAYFLY_HOST: '192.0.2.1' });
  t.regex(await refusal(t, noAddress), /^mayfly: cannot listen on 192\.0\.2\.1/);

  t.is((await first.request('/healthz')).status, 200, 'the first host serves on');
});

test.serial('a port that another program listens on is refused, too', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as { port: number };
  await using host = new HostProcess(await dataFolder(t), { MAYFLY_PORT: String(port) });
  t.regex(await refusal(t, host), /EADDRINUSE/);
});

test.serial('a key from the environment works and is stored nowhere', async (t) => {
  const dataDir = await dataFolder(t);
  const key = 'from-the-environment-0123456789';
  await using host = await HostProcess.ready(dataDir, { ...NO_EXAMPLES, MAYFLY_ADMIN_KEY: key });
  const list = (bearer: string) =>
    host.request('/v1/tenants/default/functions', { headers: { authorization: `Bearer ${bearer}` } });
  t.is((await list(key)).status, 200);
  t.is((await list(`${key}x`)).status, 401);
  t.false(host.output.includes(key));
  host.kill('SIGTERM');
  await host.exit;
  const files = await readdir(dataDir, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    t.false((await readFile(join(file.parentPath, file.name))).includes(key), file.name);
  }
  t.false(files.some(({ name }) => name === 'admin.key'));
});

test.serial(
  'an example that was deleted or changed by hand: deleted comes back, changed stays',
  async (t) => {
    const dataDir = startedDir;
    {
      await using host = await HostProcess.ready(dataDir, NO_EXAMPLES);
      t.is((await host.api('/functions/hello-ts', { method: 'DELETE' })).status, 204);
      await host.publish('tiny-wat', await exampleComponent('word-count-c'));
      host.kill('SIGTERM');
      await host.exit;
    }
    await using again = await HostProcess.ready(dataDir);
    t.deepEqual(
      again.lines.filter((line) => line.startsWith('Building')),
      ['Building and deploying the example hello-ts'],
    );
    t.is((await again.request('/fn/default/hello-ts/')).status, 200);
    t.is((await again.api('/functions/tiny-wat')).json.liveVersion, 2);
  },
);

test.serial('a Ctrl-C that reaches the publishing process, too, does not end it', async (t) => {
  await using host = await HostProcess.ready(await dataFolder(t), NO_EXAMPLES);
  t.is((await host.upload('echo', echo)).status, 201);
  const publishing = childrenOf(host.pid);
  t.is(publishing.length, 1);
  process.kill(publishing[0]!, 'SIGINT');
  t.is((await host.upload('echo', withNote(echo, 'again'))).status, 201);
  t.deepEqual(childrenOf(host.pid), publishing);
  host.kill('SIGTERM');
  t.is((await host.exit).status, 0);
});

test.serial(
  'more connections than the host may open are turned away, and later ones are served',
  async (t) => {
    await using host = new HostProcess(await dataFolder(t), NO_EXAMPLES, 200);
    await host.line(/^Ready/);
    const port = Number(new URL(host.origin).port);
    const connections: RawConnection[] = [];
    const turnedAway = (): boolean => connections.some(({ isClosed }) => isClosed);
    while (!turnedAway() && connections.length < 2_000) connections.push(await RawConnection.open(port));
    t.true(turnedAway());
    for (const connection of connections) connection.destroy();
    await Promise.all(connections.map((connection) => connection.closed()));
    for (;;) {
      const health = await host.request('/healthz').catch(() => undefined);
      if (health?.status === 200) break;
    }
    t.is((await host.publish('echo', echo)).status, 201);
    host.kill('SIGTERM');
    t.is((await host.exit).status, 0, host.output);
  },
);
