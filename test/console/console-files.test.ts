/** What the host serves at /console/, before any browser looks at it. */
import test from 'ava';
import { createConsole } from '../../host/console/console.ts';

const app = createConsole({ isServedAt: () => true });
const get = (path: string, headers: Record<string, string> = {}) =>
  app.request(`http://127.0.0.1${path}`, { headers });

test('every file of the page is there, with its type, and forbids what the page does not do', async (t) => {
  const html = await (await get('/console/')).text();
  const named = [...html.matchAll(/(?:src|href)="([\w.-]+)"/g)].map(([, name]) => name!);
  t.true(named.includes('main.js') && named.includes('uplot.css'));
  for (const name of ['', ...named, 'uplot.js']) {
    const response = await get(`/console/${name}`);
    t.is(response.status, 200, name);
    const policy = response.headers.get('content-security-policy') ?? '';
    t.regex(policy, /default-src 'none'/);
    t.regex(policy, /frame-ancestors 'none'/);
    t.notRegex(policy, /unsafe|https?:|\*/);
    t.is(response.headers.get('x-content-type-options'), 'nosniff');
    t.is(response.headers.get('cross-origin-opener-policy'), 'same-origin');
    t.not(response.headers.get('content-type'), null);
  }
});

test('each module that a module imports is served', async (t) => {
  const seen = new Set<string>();
  const visit = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const response = await get(`/console/${name}`);
    t.is(response.status, 200, name);
    t.regex(response.headers.get('content-type') ?? '', /^text\/javascript/);
    const text = await response.text();
    for (const [, next] of text.matchAll(/^(?:import|export) .* from '\.\/([\w.-]+)'/gm)) await visit(next!);
  };
  await visit('main.js');
  t.true(seen.has('uplot.js'));
});

test('what has not changed is not sent again', async (t) => {
  const etag = (await get('/console/main.js')).headers.get('etag')!;
  const again = await get('/console/main.js', { 'if-none-match': etag });
  t.is(again.status, 304);
  t.is(await again.text(), '');
});

test('nothing beside the page is served', async (t) => {
  for (const path of [
    'console.ts',
    '../console.ts',
    '..%2fconsole.ts',
    'page/',
    'uplot.d.ts',
    '%00',
    'constructor',
  ])
    t.is((await get(`/console/${path}`)).status, 404, path);
  const moved = await get('/console');
  t.deepEqual([moved.status, moved.headers.get('location')], [308, '/console/']);
});
