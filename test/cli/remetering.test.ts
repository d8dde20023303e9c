import test from 'ava';
import { against, hostOf } from './against.ts';
import { sendJson } from './fake-host.ts';

const FAILED = {
  code: 'publish_timed_out',
  detail: 'Publishing took longer than 60000 ms.',
  mend: 'Publish a smaller component.',
  at: '2026-11-27T21:32:45.123Z',
  versions: [{ tenant: 'acme', function: 'slow', version: 3, live: true }],
};

test('an operator sees how far metering again has come, what could not be and why, and has it tried again', async (t) => {
  const host = await hostOf(t);
  const status = { state: 'running', waiting: 2, done: 5, failed: [FAILED] };
  host.routes.set('GET /v1/remetering', (_request, response) => sendJson(response, 200, status));
  host.routes.set('POST /v1/remetering/retry', (_request, response) =>
    sendJson(response, 200, { ...status, state: 'off', waiting: 3, failed: [] }),
  );
  const seen = await against(host, ['remetering', 'status']);
  t.is(seen.code, 0, seen.stderr);
  const lines = seen.stdout.split('\n').map((line) => line.trimEnd());
  t.deepEqual(lines.slice(0, 4), [
    '5 metered again since the host started, 2 wait, 1 failed',
    '',
    `publish_timed_out at ${FAILED.at}: ${FAILED.detail}`,
    `  ${FAILED.mend}`,
  ]);
  t.regex(lines[5]!, /^ {2}acme\/slow +3 +live$/);
  const retried = await against(host, ['remetering', 'retry']);
  t.is(retried.code, 0, retried.stderr);
  t.is(
    retried.stdout,
    '5 metered again since the host started, 3 wait, 0 failed\nthe host is told not to: MAYFLY_REMETERING is 0\n',
  );
  t.deepEqual(JSON.parse((await against(host, ['remetering', 'status', '--json'])).stdout), status);
});
