import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { scanComponent, withoutCustomSections } from '../../host/compiler/component-sections.ts';
import { componentizeWasip1 } from '../../host/compiler/componentize-wasip1.ts';
import { type LinkPlanReading, readLinkPlan } from '../../host/compiler/link-plan.ts';
import { transpileComponent } from '../../host/compiler/transpile.ts';
import { readWorld } from '../../host/compiler/world.ts';
import type { CoreFunction, LinkPlan } from '../../host/model/link-plan.ts';
import { SUSPENDING_IMPORTS } from '../../host/wasi/suspending-imports.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { blockingComponent, runComponent, tupleComponent, twoVersionsComponent } from './guests.ts';

async function reading(component: Uint8Array): Promise<LinkPlanReading> {
  const shape = scanComponent(component);
  const world = readWorld(shape);
  const bytes = withoutCustomSections(component, shape);
  const { modules } = await transpileComponent(bytes, world);
  return readLinkPlan(bytes, world, modules);
}

async function planOf(component: Uint8Array): Promise<LinkPlan> {
  const { plan, reason } = await reading(component);
  if (plan === undefined) throw new Error(reason);
  return plan;
}

async function reasonOf(wat: string): Promise<string | undefined> {
  return (await reading(await parse(wat))).reason;
}

function lowered(plan: LinkPlan): Extract<CoreFunction, { kind: 'lower' }>[] {
  return plan.coreFunctions.filter((made) => made.kind === 'lower');
}

test('the smallest command: one module, one lifted function', async (t) => {
  t.deepEqual(await planOf(await runComponent()), {
    formatVersion: 1,
    components: 1,
    eventExports: {},
    exports: [
      {
        component: 0,
        name: 'run',
        type: { isAsync: false, parameters: [], result: 0 },
        core: { instance: 0, name: 'run' },
        options: {
          memory: null,
          realloc: null,
          postReturn: null,
          callback: null,
          stringEncoding: 'utf8',
          isAsync: false,
        },
      },
    ],
    types: [{ kind: 'result', ok: null, err: null }],
    resources: [],
    coreFunctions: [],
    coreInstances: [{ kind: 'instantiate', module: 'component.core.wasm', arguments: [] }],
  });
});

test('guests of every toolchain here have a plan', async (t) => {
  const guests = [
    await echoGuest('0.2.0'),
    await echoGuest('0.2.12'),
    await componentizeWasip1(await cCommand(ECHO), 'wasip1-command'),
    await exampleComponent('tiny-wat'),
  ];
  for (const guest of guests) {
    const { reason } = await reading(guest);
    t.is(reason, undefined);
  }
});

test('a JavaScript guest has one, too: two component instances, of which one calls the other', async (t) => {
  const { components, coreFunctions } = await planOf(await exampleComponent('hello-ts'));
  t.is(components, 2);
  const adapters = coreFunctions.filter((made) => made.kind === 'adapter');
  t.true(adapters.length > 0);
  for (const adapter of adapters) t.not(adapter.component, adapter.callee.component);
});

test('a guest may wait in the functions that jco is told may suspend, and in no others', async (t) => {
  const waiting = lowered(await planOf(await blockingComponent()))
    .filter(({ mayWait }) => mayWait)
    .map((made) => `${made.interface}#${made.name}`);
  t.deepEqual(waiting.sort(), [...SUSPENDING_IMPORTS].sort());
});

test('keys of imports have the version of WASI 0.3 alone', async (t) => {
  const keys = lowered(await planOf(await twoVersionsComponent())).map((made) => made.interface);
  t.deepEqual(keys.sort(), ['wasi:random/random', 'wasi:random/random@0.3']);
});

test('one resource at two versions is two types with one class', async (t) => {
  const wat = (
    name: string,
    version: string,
  ): string => `(import "wasi:io/error@${version}" (instance $${name}
      (export "error" (type $e (sub resource)))
      (export "[method]error.to-debug-string" (func (param "self" (borrow $e)) (result string)))))
    (alias export $${name} "error" (type $${name}-error))
    (core func $drop-${name} (canon resource.drop $${name}-error))`;
  const plan = await planOf(
    await parse(
      `(component ${wat('a', '0.2.0')} ${wat('b', '0.2.1')}
        (core module $m (import "" "a" (func (param i32))) (import "" "b" (func (param i32)))
          (func (export "run") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m (with "" (instance
          (export "a" (func $drop-a)) (export "b" (func $drop-b))))))
        (func $f (result (result)) (canon lift (core func $i "run")))
        (instance $inst (export "run" (func $f)))
        (export "wasi:cli/run@0.2.3" (instance $inst)))`,
    ),
  );
  t.deepEqual(plan.resources, [
    { interface: 'wasi:io/error', name: 'error' },
    { interface: 'wasi:io/error', name: 'error' },
  ]);
});

const RUN = `(core module $m (func (export "run") (result i32) (i32.const 0)) (memory (export "m") 1))
  (core instance $i (instantiate $m))
  (func $f (result (result)) (canon lift (core func $i "run")))
  (instance $inst (export "run" (func $f)))
  (export "wasi:cli/run@0.2.3" (instance $inst))`;

test('a resource type of its own is a reason for the glue', async (t) => {
  const reason = await reasonOf(`(component ${RUN}
    (type $r (resource (rep i32)))
    (core func $new (canon resource.new $r)))`);
  t.is(reason, 'it defines resource types of its own');
});

test('calling itself is a reason for the glue', async (t) => {
  t.is(
    await reasonOf(`(component ${RUN} (core func $self (canon lower (func $f))))`),
    'it calls functions that it lifted itself',
  );
});

test('components that wait within calls of one another are a reason for the glue', async (t) => {
  const reason = await reasonOf(`(component
    (import "wasi:io/poll@0.2.0" (instance $poll
      (export "pollable" (type $p (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow $p))))))
    (component $Inner
      (import "poll" (instance $poll
        (export "pollable" (type $p (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $p))))))
      (core func $block (canon lower (func $poll "[method]pollable.block")))
      (core module $m (import "" "b" (func $b (param i32))) (func (export "f") (call $b (i32.const 1))))
      (core instance $i (instantiate $m (with "" (instance (export "b" (func $block))))))
      (func (export "f") (canon lift (core func $i "f"))))
    (instance $inner (instantiate $Inner (with "poll" (instance $poll))))
    (core func $f (canon lower (func $inner "f")))
    (core module $m (import "" "f" (func)) (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $f))))))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $inst (export "run" (func $run)))
    (export "wasi:cli/run@0.2.3" (instance $inst)))`);
  t.is(reason, 'it is composed of components that wait within calls of one another');
});

test('a type of thousands of fields is a reason for the glue, and one that nobody uses is none', async (t) => {
  t.is((await reading(await tupleComponent(3, 4))).reason, undefined);
  const types = Array.from({ length: 5 }, (_, i) => `(type $t${i + 1} (tuple ${`$t${i} `.repeat(10)}))`);
  const reason = await reasonOf(`(component
    (type $t0 (tuple u8 u8)) ${types.join(' ')}
    (import "wasi:random/random@0.2.0" (instance $r
      (alias outer 1 $t5 (type $t)) (export "get-random-bytes" (func (result (list $t))))))
    (core module $m (memory (export "m") 1) (func (export "run") (result i32) (i32.const 0))
      (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (core func $g (canon lower (func $r "get-random-bytes") (memory (core memory $i "m")) (realloc (core func $i "r"))))
    (func $f (result (result)) (canon lift (core func $i "run")))
    (instance $inst (export "run" (func $f)))
    (export "wasi:cli/run@0.2.3" (instance $inst)))`);
  t.is(reason, 'it has a type of more than 1000 fields');
});

test('components that instantiate one another twice each are given up soon', async (t) => {
  const chain = Array.from(
    { length: 40 },
    (_, i) => `(component $c${i + 1}
      (alias outer 1 $c${i} (component $x))
      (instance $a (instantiate $x)) (instance $b (instantiate $x)))`,
  );
  const bytes = await parse(
    `(component (component $c0) ${chain.join(' ')} (instance (instantiate $c40)) ${RUN})`,
  );
  // Without jco, which takes its time for each of 2^40 instances.
  const { reason } = readLinkPlan(bytes, readWorld(scanComponent(bytes)), []);
  t.is(reason, 'its types and instances repeat one another too often');
});
