import type { Handler } from 'mayfly';

interface Fetched {
  readonly url: string;
  readonly status: number;
  readonly body: string;
}

async function load(url: string): Promise<Fetched> {
  const response = await fetch(url);
  return { url, status: response.status, body: await response.text() };
}

/** Fetches two URLs at once and merges the answers: it takes as long as the slower of them, not as both. */
export default {
  async fetch(request, env) {
    const query = new URL(request.url).searchParams;
    const first = query.get('first') ?? env['FIRST_URL'];
    const second = query.get('second') ?? env['SECOND_URL'];
    if (first === undefined || second === undefined) {
      return Response.json({ error: 'name two URLs: ?first=...&second=...' }, { status: 400 });
    }
    const startedAtMs = Date.now();
    try {
      const results = await Promise.all([load(first), load(second)]);
      return Response.json({ results, elapsedMs: Date.now() - startedAtMs });
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 502 });
    }
  },
} satisfies Handler;
