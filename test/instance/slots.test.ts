import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { LiveFunction } from '../../host/model/function-version.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { artifactOf } from '../harness/artifact.ts';
import { createSlots } from '../harness/slots.ts';
import { plainCommand } from '../harness/wat-commands.ts';

test('versions that are not live any more give up their slots, those of an earlier tenant of the name too', async (t) => {
  const artifact = await artifactOf(
    await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')),
  );
  const slots = createSlots();
  t.teardown(() => slots.dispose());
  const liveOf = (generation: number, name: string, version: number): LiveFunction => ({
    tenant: 'test' as TenantName,
    generation,
    name: name as FunctionName,
    version,
    artifactKey: artifact.key,
    handler: artifact.manifest.handler,
    configuration: defaultConfiguration(),
  });
  const kept = liveOf(2, 'a', 1);
  const prepare = async (): Promise<void> => {
    for (const live of [liveOf(1, 'a', 1), kept, liveOf(2, 'a', 2), liveOf(2, 'b', 1)])
      slots.prepare(live, artifact);
    await new Promise(setImmediate);
  };
  await prepare();
  t.is(slots.counts.idle, 4);
  t.true(slots.retire(kept.tenant, kept.name, kept));
  t.false(slots.retire(kept.tenant, 'never called' as FunctionName, undefined));
  t.is(slots.counts.idle, 2);
  const slot = slots.take(kept, artifact)!;
  t.is(slots.counts.late, 0, 'the live one was given up');
  slots.giveBack(kept, artifact, slot);
  slots.retire(kept.tenant, kept.name, undefined);
  await new Promise(setImmediate);
  t.is(slots.counts.idle, 1);
});
