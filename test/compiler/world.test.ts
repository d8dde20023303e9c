import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { type ComponentShape, scanComponent } from '../../host/compiler/component-sections.ts';
import { readWorld } from '../../host/compiler/world.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import {
  httpAndRunComponent,
  plainComponent,
  runComponent,
  secretsComponent,
  twoVersionsComponent,
} from './guests.ts';

function shapeOf(
  imports: readonly string[],
  exports: readonly string[] = ['wasi:cli/run@0.2.0'],
): ComponentShape {
  const instance = (name: string, functions: readonly string[] | undefined) => ({
    name,
    kind: 'instance' as const,
    isResource: false,
    functions,
  });
  return {
    imports: imports.map((name) => instance(name, [])),
    exports: exports.map((name) => instance(name, undefined)),
    coreModules: 1,
    customSections: [],
  };
}

test('HTTP wins over a command unless the command is asked for', async (t) => {
  const shape = scanComponent(await httpAndRunComponent());
  t.is(readWorld(shape).handler, 'wasi:http/incoming-handler@0.2');
  t.is(readWorld(shape).handlerInterface, 'wasi:http/incoming-handler@0.2.3');
  t.is(readWorld(shape, 'wasi:cli/run@0.2').handlerInterface, 'wasi:cli/run@0.2.3');
});

test('WASI 0.3 wins over 0.2, and the newest patch over older ones', (t) => {
  const names = [
    'wasi:cli/run@0.2.9',
    'wasi:http/incoming-handler@0.2.12',
    'wasi:http/incoming-handler@0.2.3',
  ];
  t.is(readWorld(shapeOf([], names)).handlerInterface, 'wasi:http/incoming-handler@0.2.12');
  t.is(
    readWorld(shapeOf([], [...names, 'wasi:http/handler@0.3.1'])).handlerInterface,
    'wasi:http/handler@0.3.1',
  );
});

test('event handlers stand beside the handler of requests, and for it where there is none', (t) => {
  const queue = 'mayfly:events/queue-handler@0.1.0';
  const schedule = 'mayfly:events/schedule-handler@0.1.2';
  t.like(readWorld(shapeOf([], [queue, 'wasi:cli/run@0.2.3', schedule])), {
    handler: 'wasi:cli/run@0.2',
    eventInterfaces: { queue, schedule },
  });
  t.like(readWorld(shapeOf([], [schedule, queue])), {
    handler: 'mayfly:events/queue-handler@0.1',
    handlerInterface: queue,
  });
  t.deepEqual(
    readWorld(shapeOf([], ['wasi:cli/run@0.2.3', 'mayfly:events/queue-handler@0.2.0'])).eventInterfaces,
    {},
  );
});

test('a handler that is asked for and missing is refused, naming what there is', async (t) => {
  const shape = scanComponent(await runComponent());
  const error = t.throws(() => readWorld(shape, 'wasi:http/handler@0.3'), { instanceOf: MayflyError });
  t.is(error.code, 'component_handler_missing');
  t.regex(error.message, /wasi:cli\/run@0\.2\.3/);
});

test('an interface with the name of a handler but without its function is none', async (t) => {
  const parts = `(component
    (core module $m (func (export "go") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (result (result)) (canon lift (core func $i "go")))`;
  for (const rest of [
    '(instance $inst (export "go" (func $f))) (export "wasi:cli/run@0.2.3" (instance $inst)))',
    `(component $c (import "f" (func $g (result (result)))) (export "go" (func $g)))
     (instance $inst (instantiate $c (with "f" (func $f)))) (export "wasi:cli/run@0.2.3" (instance $inst)))`,
  ]) {
    const shape = scanComponent(await parse(parts + rest));
    t.is(t.throws(() => readWorld(shape), { instanceOf: MayflyError }).code, 'component_handler_missing');
  }
});

test('a component without any handler is refused', async (t) => {
  const shape = scanComponent(await plainComponent());
  t.is(t.throws(() => readWorld(shape), { instanceOf: MayflyError }).code, 'component_handler_missing');
});

test('an import that is not offered is refused by name, with what is offered', async (t) => {
  const shape = scanComponent(await secretsComponent());
  const error = t.throws(() => readWorld(shape), { instanceOf: MayflyError });
  t.is(error.code, 'component_import_unknown');
  t.regex(error.message, /example:env\/secrets/);
  t.regex(error.message, /wasi:http\/types@0\.2\.x/);
});

test('any patch of an offered interface is accepted, another minor version or a pre-release is not', (t) => {
  t.notThrows(() => readWorld(shapeOf(['wasi:io/poll@0.2.0', 'wasi:io/poll@0.2.99'])));
  for (const name of [
    'wasi:io/poll@0.1.0',
    'wasi:io/poll@0.4.0',
    'wasi:io/poll@0.2.0-rc-1',
    'wasi:io/poll',
  ]) {
    t.is(
      t.throws(() => readWorld(shapeOf([name])), { instanceOf: MayflyError }).code,
      'component_import_unknown',
      name,
    );
  }
});

/** A command that declares what an interface of the host has. */
async function importing(declared: string, type = ''): Promise<ComponentShape> {
  return scanComponent(
    await parse(`(component ${type}
      (import "wasi:io/poll@0.2.0" ${declared})
      (core module $m (func (export "run") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (func $f (result (result)) (canon lift (core func $i "run")))
      (instance $inst (export "run" (func $f)))
      (export "wasi:cli/run@0.2.3" (instance $inst)))`),
  );
}

test('a function that an offered interface does not have is refused by name', async (t) => {
  const pollable = (functions: string): string =>
    `(instance (export "pollable" (type $p (sub resource))) ${functions})`;
  const known = pollable('(export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))');
  const shape = await importing(known);
  t.notThrows(() => readWorld(shape));
  // What JavaScript would find under these names in the host: helpers of its classes, and what every object has.
  for (const [name, type] of [
    ['[static]pollable.of', '(func (param "it" (own $p)) (result (own $p)))'],
    ['[static]pollable.constructor', '(func (param "code" string) (result string))'],
    ['[method]pollable.value-of', '(func (param "self" (borrow $p)) (result (own $p)))'],
    ['constructor', '(func (result (own $p)))'],
  ]) {
    const refused = await importing(pollable(`(export "${name}" ${type})`));
    const error = t.throws(() => readWorld(refused), { instanceOf: MayflyError });
    t.is(error.code, 'component_import_unknown');
    t.true(error.message.includes(`imports ${name} of wasi:io/poll@0.2.0`), error.message);
  }
});

test('an interface whose type comes from elsewhere is refused: its functions cannot be told', async (t) => {
  const shape = await importing(
    '(instance (type $aliased))',
    '(type $t (instance (export "poll" (func)))) (alias outer 0 $t (type $aliased))',
  );
  t.is(t.throws(() => readWorld(shape), { instanceOf: MayflyError }).code, 'component_unsupported');
});

test('a function or resource imported at the root is refused', (t) => {
  for (const item of [
    { name: 'wasi', kind: 'function' as const, isResource: false, functions: undefined },
    { name: 'secret', kind: 'type' as const, isResource: true, functions: undefined },
    { name: 'c', kind: 'component' as const, isResource: false, functions: undefined },
  ]) {
    const shape = { ...shapeOf([]), imports: [item] };
    t.is(t.throws(() => readWorld(shape), { instanceOf: MayflyError }).code, 'component_import_unknown');
  }
});

test('imports are listed sorted, with their versions', async (t) => {
  t.deepEqual(readWorld(scanComponent(await twoVersionsComponent())).imports, [
    'wasi:random/random@0.2.3',
    'wasi:random/random@0.3.0',
  ]);
});
