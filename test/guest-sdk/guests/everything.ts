import type { Handler } from 'mayfly';

console.log('printed by the top level');
const atBuild = Math.floor(performance.now());

const routes: Record<
  string,
  (request: Request, env: Record<string, string>) => Response | Promise<Response>
> = {
  '/echo': async (request) =>
    Response.json({
      method: request.method,
      url: request.url,
      type: request.headers.get('content-type'),
      body: await request.text(),
    }),
  '/body-first': async (request) => {
    const body = await request.text();
    return Response.json({ body, url: request.url, type: request.headers.get('content-type') });
  },
  '/bytes': async (request) => new Response(new Uint8Array((await request.bytes()).toReversed())),
  '/env': (_request, env) => Response.json(env),
  '/stream': () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('one,'));
        },
        pull(controller) {
          controller.enqueue(new TextEncoder().encode('zwei é'));
          controller.close();
        },
      }),
      { headers: { 'content-type': 'text/plain' } },
    ),
  '/upper': (request) => {
    async function* upper(): AsyncGenerator<Uint8Array> {
      for await (const chunk of request.body ?? [])
        yield new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase());
    }
    return new Response(upper() as unknown as ReadableStream);
  },
  '/body': async (request) =>
    new Response(request.body === null ? 'null' : `stream, ${await request.text()}`),
  '/text': () => new Response('grüße'),
  '/long': () => new Response('é'.repeat(40_000)),
  '/json': () => Response.json({ a: 1 }),
  '/json-status': () => Response.json({ a: 1 }, { status: 201, headers: { 'X-A': '1' } }),
  '/twice': async () => {
    const response = new Response('sent');
    await response.text();
    return response;
  },
  '/none': () => new Response(null, { status: 202, headers: { 'X-A': 'caf\u00e9' } }),
  '/both': async (request) => {
    const urls = new URL(request.url).searchParams.getAll('url');
    const answers = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
    return new Response(answers.join('+'));
  },
  '/post': async () => {
    const response = await fetch('https://api.example:8443/in?x=1', {
      method: 'POST',
      headers: { 'x-one': '1' },
      body: JSON.stringify({ a: 1 }),
    });
    return Response.json({
      status: response.status,
      seen: response.headers.get('x-seen'),
      body: await response.json(),
    });
  },
  '/follow': async () => {
    const response = await fetch('http://a.example/start', {
      method: 'POST',
      body: 'x',
      headers: { authorization: 'secret' },
    });
    return Response.json({ url: response.url, redirected: response.redirected, body: await response.text() });
  },
  '/denied': async () =>
    new Response(await fetch('http://denied.example/').then(String, (error: Error) => error.message)),
  '/log': () => {
    console.log('plain', { a: [1, 'two'] }, new Map([['k', 1]]));
    console.error(new RangeError('to standard error'));
    return new Response(null, { status: 204 });
  },
  '/random': () => Response.json([Math.random(), crypto.randomUUID(), atBuild]),
  '/throw': () => {
    throw new RangeError('no such luck');
  },
  '/nothing': () => undefined as unknown as Response,
};

export default {
  fetch(request, env) {
    const route = routes[new URL(request.url).pathname];
    return route ? route(request, env) : new Response('not here', { status: 404 });
  },
} satisfies Handler;
