/** A publish that is followed: what it is at, line by line, and what came of it in the last one. */
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { PublishEventJson } from '../../host/control-plane/publish-stream.ts';
import type { PublishJob } from '../../host/control-plane/service.ts';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';
import { breachOf, documentSchema } from './openapi-contract.ts';

const LINES = 'application/x-ndjson';

function follow(
  server: ControlPlaneServer,
  body: string,
  accept = `${LINES}, application/json`,
): Promise<Response> {
  return server.request('PUT', functionPath('hello'), {
    headers: { 'content-type': 'application/wasm', accept },
    body,
  });
}

async function eventsOf(response: Response): Promise<PublishEventJson[]> {
  const lines = (await response.text()).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as PublishEventJson);
}

const twoSteps = (job: PublishJob): void => {
  job.onProgress?.({ step: 'check' });
  job.onProgress?.({ step: 'check', ms: 1.5 });
  job.onProgress?.({ step: 'compile' });
};

test('whoever asks for lines hears of each step, and at last what the plain answer says', async (t) => {
  await using server = await ControlPlaneServer.start({ beforePublish: twoSteps });
  const response = await follow(server, 'one');
  t.is(response.status, 200);
  t.is(response.headers.get('content-type'), LINES);
  const events = await eventsOf(response);
  const steps = events.flatMap((event) => ('progress' in event ? [event.progress] : []));
  t.deepEqual(steps.slice(0, 3), [{ step: 'check' }, { step: 'check', ms: 1.5 }, { step: 'compile' }]);
  t.deepEqual(
    steps.slice(3).map(({ step, ms }) => [step, typeof ms]),
    [
      ['activate', 'undefined'],
      ['activate', 'number'],
      ['warm', 'undefined'],
      ['warm', 'number'],
    ],
  );
  const last = events.at(-1)!;
  t.true('published' in last && last.created && last.instances?.road === 'linked');
  const plain = await server.publish('hello', 'one');
  t.is(plain.status, 200, 'the same bytes are the same version');
  t.deepEqual((last as { published: unknown }).published, await plain.json());
  const document = documentSchema.parse(await (await server.request('GET', '/openapi.json')).json());
  t.is(await breachOf(document, 'publishFunction', await server.publish('hello', 'one')), undefined);
});

test('lines come as things happen, not at the end', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using server = await ControlPlaneServer.start({
    beforePublish: (job) => {
      twoSteps(job);
      return promise;
    },
  });
  const reader = (await follow(server, 'one')).body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('compile')) text += (await reader.read()).value;
  t.false(text.includes('published'));
  resolve();
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  t.true(text.includes('published'));
});

test('what is refused before the upload is here is refused as ever; what fails later is the last line', async (t) => {
  await using server = await ControlPlaneServer.start();
  t.is((await problemOf(await follow(server, ''))).code, 'component_malformed');
  for (const [body, code] of [
    ['broken', 'component_malformed'],
    ['crash', 'internal_error'],
  ] as const) {
    const response = await follow(server, body);
    t.is(response.status, 200);
    const last = (await eventsOf(response)).at(-1)!;
    t.like(last, { problem: { code } });
    t.false(JSON.stringify(last).includes('/secret/path'));
  }
  t.deepEqual(await server.staged(), []);
});

test("what nobody expected is the operator's to read, and no reader's of the lines", async (t) => {
  const publish = () => Promise.reject(new Error('/secret/path: no such file'));
  await using server = await ControlPlaneServer.start({ backend: { publish } });
  const [last] = await eventsOf(await follow(server, 'one'));
  t.like(last, { problem: { code: 'internal_error' } });
  t.false(JSON.stringify(last).includes('/secret/path'));
  t.regex(String(server.reports[0]?.error), /\/secret\/path/);
});

test('the plain answer is for everybody who does not name the type', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const accept of ['*/*', 'application/json', 'application/*', 'application/x-ndjsonx']) {
    const response = await follow(server, accept, accept);
    t.is(response.status, 201, accept);
    t.regex(response.headers.get('content-type') ?? '', /^application\/json/);
  }
});

test('a reader that goes away breaks nothing off', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using server = await ControlPlaneServer.start({
    beforePublish: (job) => {
      twoSteps(job);
      return promise;
    },
  });
  const leaving = new AbortController();
  const response = await server.request('PUT', functionPath('hello'), {
    headers: { 'content-type': 'application/wasm', accept: LINES },
    body: 'one',
    signal: leaving.signal,
  });
  await response.body!.getReader().read();
  leaving.abort();
  resolve();
  while ((await server.staged()).length > 0) await setImmediate();
  t.is(server.registry.functions.find('default' as never, 'hello' as never)?.liveVersion, 1);
  t.deepEqual(server.reports, []);
});
