/** A bare Hono route, as its documentation shows it: `hono-process.ts TEXT`. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const [text = ''] = process.argv.slice(2);
const app = new Hono();
app.get('/hello', (context) => context.text(text));
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening on ${port}`),
);
