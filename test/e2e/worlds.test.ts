/** What a component exports and imports, at which versions, and which of its handlers is called. */
import { readFile } from 'node:fs/promises';
import test from 'ava';
import { eventGuest } from '../harness/event-guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { echoGuest, nestedWit, watComponent } from '../harness/wat-guests.ts';

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(() => host.dispose());

for (const version of ['0.2.0', '0.2.3', '0.2.10', '0.2.12']) {
  test(`a handler of wasi:http ${version} is served`, async (t) => {
    const name = `http-${version.replaceAll('.', '-')}`;
    const { world } = await host.deploy(name, await echoGuest(version));
    t.is(world, `wasi:http/incoming-handler@${version}`);
    const answer = await host.call(name, '/201?x', { method: 'POST', body: 'said', headers: { 'x-a': 'b' } });
    t.like(answer, { status: 201, text: 'said' });
    t.like(answer.headers, { 'x-a': 'b', 'x-path': '/201?x', 'x-method': '2' });
  });
}

/** Waits on a clock of 0.2.0 by the poll of 0.2.0, and writes to a stdout of 0.2.0 and to a stderr of 0.2.3. */
const TWO_VERSIONS = `(module
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $sleep (param i64) (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $now (result i64)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush" (func $write0 (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $write3 (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "of 0.2.0of 0.2.3\\0a")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
  (func (export "wasi:cli/run@0.2.3#run") (result i32)
    (local $before i64)
    (local.set $before (call $now))
    (call $block (call $sleep (i64.const 5000000)))
    (call $write0 (call $stdout) (i32.const 64) (i32.const 8) (i32.const 0))
    (call $write3 (call $stderr) (i32.const 72) (i32.const 9) (i32.const 0))
    (i64.lt_u (i64.sub (call $now) (local.get $before)) (i64.const 5000000))))`;

test('a component that imports the same interface at two versions reaches the same host by both', async (t) => {
  const wit = `${await nestedWit('0.2.0')}\n${await nestedWit('0.2.3')}`;
  const imports = ['clocks/monotonic-clock', 'io/poll', 'io/streams', 'cli/stdout', 'cli/stderr'].flatMap(
    (name) => ['0.2.0', '0.2.3'].map((version) => `import wasi:${name}@${version};`),
  );
  const world = `${imports.join(' ')} export wasi:cli/run@0.2.3;`;
  await host.deploy('two', await watComponent(TWO_VERSIONS, world, wit));
  const answer = await host.call('two');
  t.like(answer, { status: 200, text: 'of 0.2.0' });
  t.deepEqual(await host.logs('two', 1), ['of 0.2.3']);
});

test('a component that takes events alone is published, and says so to whoever calls its URL', async (t) => {
  const { handler, world } = await host.deploy('events', await eventGuest('queue'));
  t.deepEqual([handler, world], ['mayfly:events/queue-handler@0.1', 'mayfly:events/queue-handler@0.1.0']);
  const answer = await host.call('events');
  t.is(answer.status, 501);
  t.like(JSON.parse(answer.text), { code: 'handler_missing', fault: 'function', retryable: false });
});

/** The echo, and a command beside it that says nothing. */
async function echoAndRun(): Promise<Uint8Array> {
  const echo = await readFile(new URL('../harness/echo.wat', import.meta.url), 'utf8');
  const run = '(func (export "wasi:cli/run@0.2.12#run") (result i32) (i32.const 0))';
  const exports = 'export wasi:http/incoming-handler@0.2.12; export wasi:cli/run@0.2.12;';
  return watComponent(
    echo.replace(/\)\s*$/, `${run})`),
    `import wasi:http/types@0.2.12; ${exports}`,
    await nestedWit('0.2.12'),
  );
}

test('of several handlers, the one for HTTP is called, unless the upload names another', async (t) => {
  const component = await echoAndRun();
  t.is((await host.deploy('both', component)).world, 'wasi:http/incoming-handler@0.2.12');
  t.is((await host.call('both', '/', { method: 'POST', body: 'echo' })).text, 'echo');

  const named = await host.deploy('both', component, undefined, '?handler=wasi:cli/run@0.2');
  t.like(named, { version: 2, world: 'wasi:cli/run@0.2.12' });
  t.is((await host.call('both', '/', { method: 'POST', body: 'echo' })).text, '');
});

test('naming a handler that the component does not export is an error of its own', async (t) => {
  for (const [handler, component] of [
    ['wasi:http/handler@0.3', await echoAndRun()],
    ['wasi:cli/run@0.2', await echoGuest('0.2.3')],
  ] as const) {
    const { status, json } = await host.api(`/functions/missing?handler=${handler}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/wasm' },
      body: component,
    });
    t.is(status, 422);
    t.is(json.code, 'component_handler_missing');
    t.true(json.detail.includes(handler), json.detail);
  }
});
