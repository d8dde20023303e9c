import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { assertImportSignatures, readImportSignatures } from '../../host/compiler/import-signatures.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import { artifactOf } from '../harness/artifact.ts';
import { offeredComponent } from '../harness/offered-component.ts';

test('every function that is offered may be imported with its own types, at any patch version', async (t) => {
  for (const version of ['0.2.0', '0.2.12', '0.2.99']) {
    const component = await offeredComponent((wit) => wit.replaceAll('0.2.12', version));
    t.notThrows(() => assertImportSignatures(component), version);
  }
});

/** What an uploader may write in place of what the packages have, and a function that changes by it. */
const CHANGES: readonly (readonly [what: string, from: string, to: string, func: string])[] = [
  // Numbers of two bytes pass checks of bytes: a line feed is one below 32.
  ['the elements of a list', 'field-value = list<u8>', 'field-value = list<u16>', '[method]fields.append'],
  ['text for bytes', 'contents: list<u8>', 'contents: string', '[method]output-stream.write'],
  [
    'text for a number',
    'get-random-bytes: func(len: u64)',
    'get-random-bytes: func(len: string)',
    'get-random-bytes',
  ],
  // A handle of what is no resource: of an array that all invocations share.
  ['a handle for a list', '-> list<u32>', '-> pollable', 'poll'],
  [
    'a handle of another resource',
    'param: response-outparam',
    'param: incoming-body',
    '[static]response-outparam.set',
  ],
  ['a handle that is given for one that is lent', 'list<borrow<pollable>>', 'list<pollable>', 'poll'],
  ['a further parameter', 'exit: func(status: result)', 'exit: func(status: result, more: u8)', 'exit'],
  ['no result', 'now: func() -> instant', 'now: func()', 'now'],
  ['an async function', 'now: func() -> datetime', 'now: async func() -> datetime', 'now'],
  [
    'the order of cases',
    'unknown,\n        block-device',
    'block-device,\n        unknown',
    '[method]descriptor.get-type',
  ],
  ['the name of a case', 'last-operation-failed(error)', 'payload(error)', '[method]input-stream.read'],
];

for (const [what, from, to, func] of CHANGES) {
  test(`an import with other types is refused by name: ${what}`, async (t) => {
    const component = await offeredComponent((wit) => wit.replace(from, to));
    const error = t.throws(() => assertImportSignatures(component), { instanceOf: MayflyError });
    t.is(error.code, 'component_import_unknown');
    const [signatures, own] = [component, await offeredComponent()].map(readImportSignatures);
    const changed = [...signatures!].flatMap(([name, functions]) =>
      [...functions].filter(([key, digest]) => own!.get(name)!.get(key) !== digest).map(([key]) => key),
    );
    t.true(changed.includes(func), changed.join(', '));
    t.true(
      changed.some((key) => error.message.includes(`imports ${key} of wasi:`)),
      error.message,
    );
  });
}

/** A command with imports of its own. */
function command(imports: string, behind = ''): Promise<Uint8Array> {
  return parse(`(component ${imports}
    (core module $m (func (export "run") (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $f (result (result)) (canon lift (core func $i "run")))
    (instance $inst (export "run" (func $f)))
    ${behind}
    (export "wasi:cli/run@0.2.3" (instance $inst)))`);
}

test('publishing refuses what declares other types', async (t) => {
  const clock = (type: string): string =>
    `(import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "now" (func (result ${type})))))`;
  await t.notThrowsAsync(async () => artifactOf(await command(clock('u64'))));
  const error = await t.throwsAsync(async () => artifactOf(await command(clock('string'))), {
    instanceOf: MayflyError,
  });
  t.is(error?.code, 'component_import_unknown');
  t.is(
    error?.message,
    'The component imports now of wasi:clocks/monotonic-clock@0.2.0 with other types than it has.',
  );
});

test('a name for a type changes nothing, a resource of the same name elsewhere is another one', async (t) => {
  const named = await command(`(type $t u64)
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance
      (export "instant" (type $i (eq $t))) (export "now" (func (result $i)))))`);
  t.notThrows(() => assertImportSignatures(named));
  const subscribe = (pollable: string): string => `
    (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
    (alias export $poll "pollable" (type $p))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance (export "pollable" (type $own ${pollable}))
      (export "subscribe-duration" (func (param "when" u64) (result (own $own))))))`;
  t.notThrows(async () => assertImportSignatures(await command(subscribe('(eq $p)'))));
  const other = await command(subscribe('(sub resource)'));
  t.throws(() => assertImportSignatures(other), { instanceOf: MayflyError });
});

test('an import whose types follow from what was made of others is refused', async (t) => {
  const late = await command(
    '',
    '(import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" (result))))))',
  );
  const error = t.throws(() => assertImportSignatures(late), { instanceOf: MayflyError });
  t.is(error.code, 'component_unsupported');
});

test('a type that would be billions of fields long is read once', async (t) => {
  const pairs = Array.from({ length: 60 }, (_, i) => `(type $t${i + 1} (tuple $t${i} $t${i}))`);
  const huge = await command(`(type $t0 u64) ${pairs.join(' ')}
    (import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" $t60)))))`);
  const error = t.throws(() => assertImportSignatures(huge), { instanceOf: MayflyError });
  t.is(error.code, 'component_import_unknown');
});
