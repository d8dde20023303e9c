/** `mayfly dev`: a host of its own, or one that runs; sources that change, break and are mended. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../../bench/throughput/server-process.ts';
import { FakeHost, KEY, sendJson } from './fake-host.ts';
import { startMayfly } from './run-mayfly.ts';

const component = (answer: string): string => `export default {
  fetch(request: Request, env: Record<string, string>): Response {
    console.log('asked');
    return new Response('${answer} ' + env['WHOM'] + env['OTHER']);
  },
};
`;

/** Events of `mayfly dev --json`, each awaited in turn. */
async function developing(t: ExecutionContext, args: readonly string[], cwd: string, env = {}) {
  const child = startMayfly(['dev', ...args, '--json'], { cwd, env });
  t.teardown(() => child.kill('SIGKILL'));
  child.stderr?.resume();
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const exited = once(child, 'exit');
  return {
    pid: child.pid,
    /** The next event of this kind. */
    // biome-ignore lint/suspicious/noExplicitAny: JSON as it comes
    async next(kind: string): Promise<any> {
      for (;;) {
        const { done, value } = await lines.next();
        if (done) throw new Error(`no ${kind} came`);
        const event = JSON.parse(value);
        if (event.event === kind) return event;
      }
    },
    async interrupt(): Promise<number | null> {
      child.kill('SIGINT');
      return (await exited)[0];
    },
  };
}

/** Command lines of the processes that a process has started. */
function commandsBelow(pid: number | undefined): string[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return children.map((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8'));
}

async function project(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-dev-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'src'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('a function runs on a host of its own, follows its sources, and leaves nothing running', async (t) => {
  const cwd = await project(t, {
    'package.json': '{}',
    'src/hello.ts': `import { greeting } from './greeting.ts';\n${component('XX')}`.replace(
      "'XX '",
      'greeting',
    ),
    'src/greeting.ts': "export const greeting = 'good morning, ';\n",
    '.env': 'OTHER="!"\n',
  });
  const origin = `http://127.0.0.1:${await freePort()}`;
  const args = ['src/hello.ts', '--host', origin, '--env', 'WHOM=Ada', '--env-file', '.env'];
  const dev = await developing(t, args, cwd);
  t.like(await dev.next('host'), { url: origin, isOwn: true });
  t.true(commandsBelow(dev.pid).some((line) => line.includes('publish-process')));
  const { published } = await dev.next('published');
  t.like(published, { name: 'hello', version: 1 });
  const answer = async (): Promise<string> => (await fetch(`${origin}/fn/default/hello/`)).text();
  t.is(await answer(), 'good morning, Ada!');
  t.is((await dev.next('log')).record.message, 'asked');

  // A file that the source imports, then a mistake in it, then none.
  await writeFile(join(cwd, 'src/greeting.ts'), "export const greeting = 'good night, ';\n");
  await dev.next('published');
  t.is(await answer(), 'good night, Ada!');
  await writeFile(join(cwd, 'src/greeting.ts'), 'export const greeting = ;\n');
  t.regex((await dev.next('failed')).message, /src\/greeting\.ts:1:25/);
  t.is(await answer(), 'good night, Ada!');
  await writeFile(join(cwd, 'src/greeting.ts'), "export const greeting = 'hi, ';\n");
  await dev.next('published');
  t.is(await answer(), 'hi, Ada!');

  t.is(await dev.interrupt(), 0);
  await t.throwsAsync(fetch(origin));
});

test('a host that answers is used, with its key, and stays', async (t) => {
  const host = await FakeHost.start();
  t.teardown(() => host[Symbol.asyncDispose]());
  host.routes.set('GET /v1/whoami', (_, response) => sendJson(response, 200, { kind: 'operator' }));
  const cwd = await project(t, { 'src/hello.wat': '(component)' });
  const dev = await developing(t, ['src/hello.wat'], cwd, { MAYFLY_URL: host.url, MAYFLY_KEY: KEY });
  t.like(await dev.next('host'), { url: host.url, isOwn: false });
  await dev.next('published');
  t.is(host.last('PUT', '/v1/tenants/default/functions/hello')?.headers.authorization, `Bearer ${KEY}`);
  t.is(await dev.interrupt(), 0);
});

test('a host elsewhere that does not answer is not started here', async (t) => {
  const cwd = await project(t, { 'src/tiny.wat': '(component)' });
  const url = `https://127.0.0.1:${await freePort()}`;
  const child = startMayfly(['dev', 'src/tiny.wat', '--host', url], { cwd });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'exit');
  t.is(code, 6);
  t.regex(stderr, /cannot reach/);
});
