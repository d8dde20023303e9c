import type { Handler } from 'mayfly';

/** Answers with what it was asked: enough to see the path, the query, the environment and the body arrive. */
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const name = url.searchParams.get('name') ?? env['NAME'] ?? 'world';
    console.log(`${request.method} ${url.pathname}`);
    return Response.json({
      hello: name,
      method: request.method,
      path: url.pathname,
      body: request.body === null ? '' : await request.text(),
    });
  },
} satisfies Handler;
