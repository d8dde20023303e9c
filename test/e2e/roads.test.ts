/** Each way of putting instances back, forced: what a function answers is the same, and the API says which it is. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { ROADS } from '../../host/instance/rewind/road.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { fuelOf, testHost } from '../harness/host.ts';
import { clockCommand } from '../harness/wat-commands.ts';

for (const road of ROADS) {
  test(`${road}: answers and fuel are those of a first call, every time`, async (t) => {
    const host = await testHost(t, { env: { MAYFLY_REWIND: road, MAYFLY_THREADS: '1' } });
    await host.deploy('tiny', await exampleComponent('tiny-wat'));
    await host.deploy('echo', await cCommand(ECHO));
    for (const [name, body] of [
      ['tiny', undefined],
      ['echo', 'again'],
    ] as const) {
      const call = () => host.call(name, '/', body === undefined ? {} : { method: 'POST', body });
      const first = await call();
      t.is(first.status, 200);
      for (let i = 0; i < 5; i++) {
        const next = await call();
        t.is(next.text, first.text);
        t.is(fuelOf(next), fuelOf(first));
      }
      const { json } = await host.api(`/functions/${name}`);
      t.is(json.instances.road, 'linked');
      t.is(json.instances.rewind, road, String(json.instances.reason));
    }
  });
}

test('a component that calls the host when it is initialised gets an instance for each invocation, and the API says why', async (t) => {
  const host = await testHost(t, { env: { MAYFLY_THREADS: '1' } });
  const component = await parse(
    clockCommand(
      '(func $init (drop (call $now))) (start $init) (func (export "run") (result i32) (i32.const 0))',
    ),
  );
  await host.deploy('early', component);
  const { json } = await host.api('/functions/early');
  t.is(json.instances.rewind, 'fresh');
  t.regex(json.instances.reason, /initialisation/);
});
