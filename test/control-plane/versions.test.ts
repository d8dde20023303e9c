import test from 'ava';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const livePath = `${functionPath('hello')}/live`;

async function publishAll(server: ControlPlaneServer, contents: readonly string[]): Promise<void> {
  for (const content of contents) await server.publish('hello', content);
}

test('versions are listed from the newest down, with the one that answers marked', async (t) => {
  await using server = await ControlPlaneServer.start();
  await publishAll(server, ['1', '2', '3']);
  await server.sendJson('PUT', livePath, { version: 2 });
  const response = await server.request('GET', `${functionPath('hello')}/versions`);
  const versions = (await response.json()) as { version: number; live: boolean }[];
  t.deepEqual(
    versions.map(({ version, live }) => [version, live]),
    [
      [3, false],
      [2, true],
      [1, false],
    ],
  );
});

test('versions come in pages', async (t) => {
  await using server = await ControlPlaneServer.start();
  await publishAll(server, ['1', '2', '3', '4']);
  const numbers = async (query: string) => {
    const response = await server.request('GET', `${functionPath('hello')}/versions?${query}`);
    return ((await response.json()) as { version: number }[]).map((entry) => entry.version);
  };
  t.deepEqual(await numbers('limit=3'), [4, 3, 2]);
  t.deepEqual(await numbers('limit=3&before=2'), [1]);
  for (const query of ['limit=0', 'limit=abc', 'limit=1001', 'before=0', 'limit=1&limit=2']) {
    const problem = await problemOf(
      await server.request('GET', `${functionPath('hello')}/versions?${query}`),
    );
    t.like(problem, { code: 'invalid_request', field: query.split('=')[0] }, query);
  }
});

test('an older version is made live in one call, and its settings stay', async (t) => {
  await using server = await ControlPlaneServer.start();
  await publishAll(server, ['1', '2']);
  await server.sendJson('PATCH', `${functionPath('hello')}/configuration`, { fuel: 5_000 });
  const response = await server.sendJson('PUT', livePath, { version: 1 });
  t.is(response.status, 200);
  t.like(await response.json(), { liveVersion: 1, live: { version: 1 }, configuration: { fuel: 5_000 } });
});

test('a version that does not exist is not made live', async (t) => {
  await using server = await ControlPlaneServer.start();
  await publishAll(server, ['1']);
  const missing = await problemOf(await server.sendJson('PUT', livePath, { version: 2 }));
  t.like(missing, { code: 'version_not_found', status: 404, field: 'version' });
  const nowhere = await server.sendJson('PUT', `${functionPath('nope')}/live`, { version: 1 });
  t.is((await problemOf(nowhere)).code, 'function_not_found');
});

test('what is no version is refused with its field', async (t) => {
  await using server = await ControlPlaneServer.start();
  await publishAll(server, ['1']);
  for (const body of [{}, { version: '1' }, { version: 0 }, { version: 1.5 }, { version: null }]) {
    const problem = await problemOf(await server.sendJson('PUT', livePath, body));
    t.like(problem, { code: 'invalid_request', field: 'version' }, JSON.stringify(body));
  }
  const typo = await problemOf(await server.sendJson('PUT', livePath, { version: 1, versoin: 2 }));
  t.like(typo, { field: 'versoin' });
  t.regex(typo.detail, /did you mean version\?/);
});
