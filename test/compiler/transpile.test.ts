import test from 'ava';
import { compileModules } from '../../host/compiler/compile-modules.ts';
import { scanComponent } from '../../host/compiler/component-sections.ts';
import { componentizeWasip1 } from '../../host/compiler/componentize-wasip1.ts';
import { meterModules } from '../../host/compiler/meter-modules.ts';
import { type Transpiled, transpileComponent } from '../../host/compiler/transpile.ts';
import { readWorld } from '../../host/compiler/world.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import { SUSPENDING_IMPORTS } from '../../host/wasi/suspending-imports.ts';
import { coreModule, leb, repeated, section } from './binary-builder.ts';
import { runGlue } from './glue-runner.ts';
import {
  blockingComponent,
  httpReactor,
  runComponent,
  twoVersionsComponent,
  worldComponent,
} from './guests.ts';

function transpiled(component: Uint8Array): Promise<Transpiled> {
  return transpileComponent(component, readWorld(scanComponent(component)));
}

function modulesOf({ modules }: Transpiled): Map<string, Uint8Array> {
  return new Map(meterModules(modules).map(({ name, bytes }) => [name, bytes]));
}

test('every blocking function of wasi:io may suspend, and no other one', async (t) => {
  const { glue } = await transpiled(await blockingComponent());
  const numbers = [...glue.matchAll(/^ *_trampoline(\d+)\.manuallyAsync = true;/gm)].map((match) => match[1]);
  const suspending = numbers.map((number) => {
    const body = glue.slice(glue.indexOf(`const _trampoline${number} = `));
    const label = /\[iface="([^"@]+)@[^"]+", function="([^"]+)"\]/.exec(body);
    return `${label?.[1]}#${label?.[2]}`;
  });
  t.deepEqual(suspending.sort(), [...SUSPENDING_IMPORTS].sort());
});

test('imports of WASI 0.3 have keys of their own, so both versions of an interface work at once', async (t) => {
  const result = await transpiled(await twoVersionsComponent());
  const guest = await runGlue(result.glue, modulesOf(result), {
    'wasi:random/random': { getRandomU64: () => 2n },
    'wasi:random/random@0.3': { getRandomU64: () => 3n },
  });
  await t.notThrowsAsync(async () => guest.exports[result.exportKey]!.run());
});

test('the glue and the metered modules run, and the fuel counter moves', async (t) => {
  const result = await transpiled(await runComponent());
  t.is(result.exportKey, 'wasi:cli/run@0.2.3');
  const guest = await runGlue(result.glue, modulesOf(result), {});
  await guest.exports[result.exportKey]!.run();
  t.true(guest.fuelUsed() > 0n);
});

test('two evaluations of the same glue share nothing', async (t) => {
  // Each instance's `run` succeeds once.
  const component = await worldComponent(
    'export wasi:cli/run@0.2.3;',
    `(global $ran (mut i32) (i32.const 0))
     (func (export "wasi:cli/run@0.2.3#run") (result i32) global.get $ran (global.set $ran (i32.const 1)))`,
  );
  const result = await transpiled(component);
  const modules = modulesOf(result);
  const one = (await runGlue(result.glue, modules, {})).exports[result.exportKey]!;
  const two = (await runGlue(result.glue, modules, {})).exports[result.exportKey]!;
  await one.run();
  await two.run();
  await t.throwsAsync(async () => one.run(), { any: true });
});

test('a wasip1 reactor with an embedded type becomes an HTTP component', async (t) => {
  const component = await componentizeWasip1(await httpReactor(), 'wasip1-reactor');
  const world = readWorld(scanComponent(component));
  t.is(world.handlerInterface, 'wasi:http/incoming-handler@0.2.3');
});

test('what only the validator sees is refused as malformed, in its words', async (t) => {
  // The body of `run` leaves an i64 where the type says i32.
  const bytes = Buffer.from(await runComponent());
  const at = bytes.indexOf(Buffer.from([0x41, 0x00, 0x0b]));
  bytes[at] = 0x42;
  const error = await t.throwsAsync(transpiled(bytes), { instanceOf: MayflyError });
  t.is(error.code, 'component_malformed');
  t.regex(error.message, /type mismatch/);
});

test('a module that the engine refuses is malformed', async (t) => {
  // 60,000 parameters: V8 ends at 1,000.
  const original = coreModule(section(1, [1, 0x60], repeated(60_000, [0x7f]), leb(0)));
  const { shape, state } = meterModules([{ name: 'a.wasm', bytes: coreModule() }])[0]!;
  const error = await t.throwsAsync(
    compileModules([{ name: 'a.wasm', bytes: original, original, shape, state }]),
    {
      instanceOf: MayflyError,
    },
  );
  t.is(error.code, 'component_malformed');
});

test('a module that only metering made too much for the engine is unsupported', async (t) => {
  const original = coreModule();
  const bytes = coreModule(section(1, [1, 0x60], repeated(60_000, [0x7f]), leb(0)));
  const { shape, state } = meterModules([{ name: 'a.wasm', bytes: original }])[0]!;
  const error = await t.throwsAsync(compileModules([{ name: 'a.wasm', bytes, original, shape, state }]), {
    instanceOf: MayflyError,
  });
  t.is(error.code, 'component_unsupported');
});
