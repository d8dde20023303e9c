import test from 'ava';
import type { ErrorCode } from '../../host/errors/errors.ts';
import { against, hostOf } from './against.ts';
import { KEY, sendJson, sendProblem } from './fake-host.ts';
import { finished, startMayfly } from './run-mayfly.ts';

const BASE = '/v1/tenants/default/functions';

const RECORD = {
  id: 1,
  version: 3,
  invocationId: 'inv-1',
  timestamp: '2026-11-23T10:00:00.000Z',
  level: 'info',
  source: 'stdout',
};

test("logs prints records, and a function's escape sequences do not reach the terminal", async (t) => {
  const host = await hostOf(t);
  host.routes.set(`GET ${BASE}/hello/logs`, (_, response) =>
    sendJson(response, 200, [{ ...RECORD, message: 'red \u001b[31malert\u0007' }]),
  );
  const { stdout } = await against(host, ['logs', 'hello', '-n', '5']);
  t.is(stdout, '2026-11-23T10:00:00.000Z info  v3 inv-1 red alert\\x07\n');
  t.is(host.received.at(-1)?.path, `${BASE}/hello/logs?limit=5`);
});

test('logs asks for what is wanted; how long ago becomes a time', async (t) => {
  const host = await hostOf(t);
  host.routes.set(`GET ${BASE}/hello/logs`, (_, response) => sendJson(response, 200, []));
  const trace = 'a'.repeat(32);
  const before = Date.now();
  await against(host, ['logs', 'hello', '--since', '10m', '--level', 'warn', '--trace', trace]);
  const url = new URL(host.received.at(-1)!.path, 'http://host');
  t.like(Object.fromEntries(url.searchParams), { limit: '100', level: 'warn', trace });
  const since = Date.parse(url.searchParams.get('since')!);
  t.true(since >= before - 600_000 && since <= Date.now() - 600_000);
  await against(host, ['logs', 'hello', '--since', '2026-11-27T12:00:00Z', '--invocation', 'x']);
  t.is(
    host.received.at(-1)?.path,
    `${BASE}/hello/logs?limit=100&since=2026-11-27T12%3A00%3A00Z&invocation=x`,
  );
});

test('logs -f prints a record as it comes and ends on Ctrl-C', async (t) => {
  const host = await hostOf(t);
  host.routes.set(`GET ${BASE}/hello/logs`, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(`${JSON.stringify({ ...RECORD, message: 'first' })}\n`);
  });
  const child = startMayfly(['logs', 'hello', '-f', '--json'], {
    env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY },
  });
  const printed = Promise.withResolvers<string>();
  child.stdout?.once('data', (chunk: Buffer) => printed.resolve(String(chunk)));
  t.is(JSON.parse(await printed.promise).message, 'first');
  t.is(host.received.at(-1)?.path, `${BASE}/hello/logs?limit=100&follow=true`);
  const end = finished(child);
  child.kill('SIGINT');
  await end;
  t.is(child.signalCode, 'SIGINT');
});

const PROBLEMS: readonly (readonly [code: ErrorCode, exit: number])[] = [
  ['internal_error', 1],
  ['function_not_found', 3],
  ['component_malformed', 4],
  ['forbidden', 4],
  ['function_trapped', 5],
  ['too_many_invocations', 6],
  ['publish_busy', 6],
];
for (const [code, exit] of PROBLEMS) {
  test(`a problem ${code} exits ${exit} and is told in full`, async (t) => {
    const host = await hostOf(t);
    host.routes.set(`GET ${BASE}/hello`, (_, response) =>
      sendProblem(response, code, 'this and that', 'some/field'),
    );
    const { code: exitCode, stdout, stderr } = await against(host, ['inspect', 'hello']);
    t.is(exitCode, exit);
    t.is(stdout, '');
    t.regex(
      stderr,
      new RegExp(`^mayfly: .+\\n  this and that\\n  field: some/field\\n  mend: .+\\n  code: ${code} `),
    );
    const asJson = await against(host, ['inspect', 'hello', '--json']);
    t.is(JSON.parse(asJson.stderr).code, code);
  });
}
