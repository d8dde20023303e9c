import test from 'ava';
import { against, hostOf } from './against.ts';
import { sendJson } from './fake-host.ts';

const backup = (id: string): object => ({
  id,
  createdAt: '2026-11-27T21:32:45.123Z',
  bytes: 3_145_728,
  linkedBytes: 1_048_576,
  release: '0.1.0',
  queues: 'embedded',
});
const IDS = ['20261127T213245.123Z', '20261126T213245.123Z', '20261125T213245.123Z'] as const;

test('a backup is followed step by step, and older ones go when it is made', async (t) => {
  const host = await hostOf(t);
  host.routes.set('POST /v1/backups', ({ headers }, response) => {
    t.regex(headers.accept ?? '', /x-ndjson/);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const line of [
      { progress: { step: 'queues' } },
      { progress: { step: 'queues', bytes: 1, totalBytes: 2 } },
      { progress: { step: 'queues', ms: 12 } },
      { backup: backup(IDS[0]) },
    ])
      response.write(`${JSON.stringify(line)}\n`);
    response.end();
  });
  host.routes.set('GET /v1/backups', (_request, response) => sendJson(response, 200, IDS.map(backup)));
  for (const id of IDS)
    host.routes.set(`DELETE /v1/backups/${id}`, (_request, response) => void response.writeHead(204).end());
  const made = await against(host, ['backup', 'create', '--keep', '2']);
  t.is(made.code, 0, made.stderr);
  t.is(made.stdout, `backup ${IDS[0]}: 3.0 MiB, 1.0 MiB of it links\ndeleted ${IDS[2]}\n`);
  t.regex(made.stderr, /queues 12 ms/);
  t.truthy(host.last('DELETE', `/v1/backups/${IDS[2]}`));
  t.is(host.last('DELETE', `/v1/backups/${IDS[1]}`), undefined);
  const listed = await against(host, ['backup', 'list']);
  t.regex(listed.stdout, /^BACKUP .*\n20261127T213245\.123Z .* 3\.0 MiB +1\.0 MiB +embedded +0\.1\.0\n/);
});

test('a backup that fails at its end fails the command, and deletes nothing', async (t) => {
  const host = await hostOf(t);
  host.routes.set('POST /v1/backups', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const problem = { title: 'No room', status: 507, code: 'disk_full', fault: 'host', detail: 'full' };
    response.end(`${JSON.stringify({ problem })}\n`);
  });
  const made = await against(host, ['backup', 'create', '--keep', '1']);
  t.is(made.code, 1);
  t.regex(made.stderr, /disk_full/);
  t.is(host.received.length, 1);
});
