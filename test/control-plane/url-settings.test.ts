import test from 'ava';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const CONFIGURATION = `${functionPath('hello')}/configuration`;

test('access and CORS of a function are set, shown and set back', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  const initial = (await (await server.sendJson('PATCH', CONFIGURATION, {})).json()) as object;
  t.like(initial, { access: { type: 'public' }, cors: null });
  const patch = {
    access: { type: 'authorizer', function: 'door' },
    cors: { allowOrigins: ['https://a.example'], allowHeaders: ['X-Token'] },
  };
  const configured = (await (await server.sendJson('PATCH', CONFIGURATION, patch)).json()) as object;
  t.like(configured, {
    access: { type: 'authorizer', function: 'door', identityHeaders: ['authorization'] },
    cors: {
      allowOrigins: ['https://a.example'],
      allowMethods: [],
      allowHeaders: ['x-token'],
      exposeHeaders: [],
      maxAge: 0,
      allowCredentials: false,
    },
  });
  const back = await server.sendJson('PATCH', CONFIGURATION, { access: { type: 'public' }, cors: null });
  t.deepEqual(await back.json(), initial);
});

test('settings that contradict themselves, or that no browser would honour, are refused', async (t) => {
  await using server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  const origins = { allowOrigins: ['https://a.example'] };
  for (const [patch, field] of [
    [{ cors: { allowOrigins: ['*'], allowCredentials: true } }, 'cors.allowOrigins'],
    [{ cors: { ...origins, allowMethods: ['*'], allowCredentials: true } }, 'cors.allowMethods'],
    [{ cors: { ...origins, allowHeaders: ['*'], allowCredentials: true } }, 'cors.allowHeaders'],
    [{ cors: { ...origins, exposeHeaders: ['*'], allowCredentials: true } }, 'cors.exposeHeaders'],
    [{ cors: { allowOrigins: ['*', 'https://a.example'] } }, 'cors.allowOrigins'],
    [{ cors: { allowOrigins: [] } }, 'cors.allowOrigins'],
    [{ cors: {} }, 'cors.allowOrigins'],
    [{ cors: { allowOrigins: ['https://a.example/'] } }, 'cors.allowOrigins.0'],
    [{ cors: { allowOrigins: ['a.example'] } }, 'cors.allowOrigins.0'],
    [{ cors: { allowOrigins: ['null'] } }, 'cors.allowOrigins.0'],
    [{ cors: { allowOrigins: ['https://a.example\r\nx: y'] } }, 'cors.allowOrigins.0'],
    [{ cors: { ...origins, allowMethods: ['get'] } }, 'cors.allowMethods.0'],
    [{ cors: { ...origins, allowHeaders: ['a b'] } }, 'cors.allowHeaders.0'],
    [{ cors: { ...origins, exposeHeaders: ['x\r\ny: z'] } }, 'cors.exposeHeaders.0'],
    [{ cors: { ...origins, maxAge: 86_401 } }, 'cors.maxAge'],
    [{ cors: { ...origins, origins: [] } }, 'cors.origins'],
    [{ access: { type: 'nobody' } }, 'access.type'],
    [{ access: { type: 'authorizer' } }, 'access.function'],
    [{ access: { type: 'authorizer', function: 'other/door' } }, 'access.function'],
    [
      { access: { type: 'authorizer', function: 'door', identityHeaders: ['a:b'] } },
      'access.identityHeaders.0',
    ],
    [{ access: { type: 'public', function: 'door' } }, 'access.function'],
  ] as const) {
    const problem = await problemOf(await server.sendJson('PATCH', CONFIGURATION, patch));
    t.like(problem, { code: 'invalid_request', field }, JSON.stringify(patch));
  }
});
