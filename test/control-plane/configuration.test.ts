import test from 'ava';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const path = `${functionPath('hello')}/configuration`;

async function start(...options: Parameters<typeof ControlPlaneServer.start>): Promise<ControlPlaneServer> {
  const server = await ControlPlaneServer.start(...options);
  await server.publish('hello', 'one');
  return server;
}

test('a patch changes what it names and answers with all settings', async (t) => {
  await using server = await start();
  const response = await server.sendJson('PATCH', path, {
    memoryBytes: 1_048_576,
    environment: { GREETING: 'hi' },
    allowedHosts: ['API.example.com', '*.example.org:8443'],
    logLevel: 'debug',
  });
  t.is(response.status, 200);
  t.like(await response.json(), {
    memoryBytes: 1_048_576,
    environment: { GREETING: 'hi' },
    allowedHosts: ['api.example.com', '*.example.org:8443'],
    logLevel: 'debug',
    fuel: FUNCTION_LIMITS.fuel.default,
  });
  const second = (await (await server.sendJson('PATCH', path, { environment: { B: '2' } })).json()) as object;
  t.like(second, { memoryBytes: 1_048_576, logLevel: 'debug' });
  t.deepEqual((second as { environment: object }).environment, { B: '2' });
});

test('a value above the ceiling names the setting and the range, also where no host would allow it', async (t) => {
  await using server = await start({ ceilings: { fuel: 50_000 } });
  for (const fuel of [50_001, 2 ** 52, Number.MAX_SAFE_INTEGER * 4]) {
    const problem = await problemOf(await server.sendJson('PATCH', path, { fuel, timeoutMs: 5 }));
    t.like(problem, { code: 'limit_above_ceiling', status: 400, field: 'fuel' }, `${fuel}`);
    t.is(problem.detail, 'fuel may be from 1000 to 50000.');
  }
  const described = (await (await server.request('GET', functionPath('hello'))).json()) as {
    configuration: object;
  };
  t.like(described.configuration, { fuel: 50_000, timeoutMs: FUNCTION_LIMITS.timeoutMs.default });
});

test('an unknown setting names the nearest known one', async (t) => {
  await using server = await start();
  for (const [typo, meant] of [
    ['memory', 'memoryBytes'],
    ['timeoutms', 'timeoutMs'],
    ['enviroment', 'environment'],
    ['alowedHosts', 'allowedHosts'],
  ] as const) {
    const problem = await problemOf(await server.sendJson('PATCH', path, { [typo]: 1 }));
    t.like(problem, { code: 'invalid_request', field: typo });
    t.regex(problem.detail, new RegExp(`did you mean ${meant}\\?`));
  }
  const giant = await problemOf(await server.sendJson('PATCH', path, { ['x'.repeat(100_000)]: 1 }));
  t.is(String(giant['field']).length, 64);
});

test('a wrong value names its field, also inside a setting', async (t) => {
  await using server = await start();
  for (const [body, field] of [
    [{ memoryBytes: 1.5 }, 'memoryBytes'],
    [{ memoryBytes: 1 }, 'memoryBytes'],
    [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ logLevel: 'loud' }, 'logLevel'],
    [{ environment: { '9': 'x' } }, 'environment.9'],
    [{ environment: { A: 1 } }, 'environment.A'],
    [{ environment: { A: 'x'.repeat(70_000) } }, 'environment'],
    [{ allowedHosts: ['ok.com', 'http://no'] }, 'allowedHosts.1'],
    [[], 'body'],
    ['"text"', 'body'],
    ['null', 'body'],
  ] as const) {
    const problem = await problemOf(await server.sendJson('PATCH', path, body));
    t.like(problem, { code: 'invalid_request', status: 400, field }, JSON.stringify(body).slice(0, 80));
  }
});

test('keys that JavaScript treats as special are unknown settings like any other', async (t) => {
  await using server = await start();
  for (const body of ['{"__proto__":{"fuel":1}}', '{"constructor":1}', '{"toString":1}']) {
    const response = await server.sendJson('PATCH', path, body);
    const described = (await (await server.request('GET', functionPath('hello'))).json()) as {
      configuration: object;
    };
    t.like(described.configuration, { fuel: FUNCTION_LIMITS.fuel.default });
    t.is(response.status, 400, body);
  }
  t.is(({} as { fuel?: number }).fuel, undefined);
});

test('a body that is no JSON, not declared as JSON or too large is refused as such', async (t) => {
  await using server = await start({ jsonBodyBytes: 1_000 });
  for (const body of ['{', 'fuel=1', '{"fuel":1}}']) {
    t.like(
      await problemOf(await server.sendJson('PATCH', path, body)),
      { code: 'invalid_request', field: 'body' },
      body,
    );
  }
  const headers = { 'content-type': 'text/plain' };
  const undeclared = await problemOf(await server.request('PATCH', path, { headers, body: '{}' }));
  t.like(undeclared, { code: 'unsupported_media_type', status: 415 });
  const large = await problemOf(
    await server.sendJson('PATCH', path, { environment: { A: 'x'.repeat(1_000) } }),
  );
  t.like(large, { code: 'request_too_large', status: 413 });
  const endless = new ReadableStream<Uint8Array>({ pull: (c) => c.enqueue(Buffer.from(' '.repeat(100))) });
  const json = { 'content-type': 'application/json' };
  t.is(
    (await problemOf(await server.request('PATCH', path, { headers: json, body: endless }))).code,
    'request_too_large',
  );
});

test('a body that comes in pieces, without a length, is read whole', async (t) => {
  await using server = await start();
  const pieces = ['{"environment":', '{"A":"\u00e9', '"}}'].flatMap((piece) => [...Buffer.from(piece)]);
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const byte = pieces.shift();
      if (byte === undefined) controller.close();
      else controller.enqueue(new Uint8Array([byte]));
    },
  });
  const headers = { 'content-type': 'application/json' };
  const response = await server.request('PATCH', path, { headers, body });
  t.is(response.status, 200);
  t.deepEqual(((await response.json()) as { environment: object }).environment, { A: 'é' });
});

test('settings of a function that does not exist are not found', async (t) => {
  await using server = await start();
  const response = await server.sendJson('PATCH', `${functionPath('nope')}/configuration`, { fuel: 5_000 });
  t.is((await problemOf(response)).code, 'function_not_found');
});
