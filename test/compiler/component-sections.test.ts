import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { scanComponent, withoutCustomSections } from '../../host/compiler/component-sections.ts';
import { type ErrorCode, MayflyError } from '../../host/errors/errors.ts';
import {
  component,
  coreModule,
  joined,
  leb,
  moduleOf,
  name,
  randomBytes,
  repeated,
  section,
} from './binary-builder.ts';
import { blockingComponent, httpAndRunComponent, runComponent } from './guests.ts';

function refusal(bytes: Uint8Array): MayflyError | undefined {
  try {
    scanComponent(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof MayflyError) return error;
    throw error;
  }
}

function refusalCode(bytes: Uint8Array): ErrorCode | undefined {
  return refusal(bytes)?.code;
}

test('a scan finds the imports and exports of the outermost component', async (t) => {
  const shape = scanComponent(await blockingComponent());
  t.deepEqual(shape.imports.map(({ name, kind }) => `${kind} ${name}`).sort(), [
    'instance wasi:io/error@0.2.3',
    'instance wasi:io/poll@0.2.3',
    'instance wasi:io/streams@0.2.3',
  ]);
  t.deepEqual(
    shape.exports.map(({ name, kind }) => `${kind} ${name}`),
    ['instance wasi:cli/run@0.2.3'],
  );
  t.true(shape.coreModules >= 1);
});

test('what is left without the outer custom sections scans the same', async (t) => {
  const bytes = joined(await httpAndRunComponent(), section(0, name('package-docs'), new Uint8Array(1_000)));
  const shape = scanComponent(bytes);
  const stripped = withoutCustomSections(bytes, shape);
  t.true(stripped.length <= bytes.length - 1_000);
  t.deepEqual(scanComponent(stripped).exports, shape.exports);
  t.is(scanComponent(stripped).customSections.length, 0);
});

/** Text that ends a quoted name in generated JavaScript and runs the uploader's code. */
const ESCAPES = [
  `a'];globalThis.taken=1;['`,
  'a"+x+"',
  'a\\',
  'a`',
  `$\{x}`,
  'a\nb',
  'a\u2028b',
  'a*/b',
  '__proto__',
  '*',
];

test('a core export name that could leave its quotes in generated code is refused', async (t) => {
  for (const text of ESCAPES) {
    const exports = section(7, [1], name(text), [0, 0]);
    const bytes = component(section(1, moduleOf([[0, 0x0b]], exports)));
    t.is(refusalCode(bytes), 'component_unsupported', JSON.stringify(text));
  }
});

test('so is a core import name or its module', async (t) => {
  for (const text of ESCAPES) {
    const importing = (module: string, field: string): Uint8Array =>
      component(
        section(
          1,
          coreModule(section(1, [1, 0x60, 0, 0]), section(2, [1], name(module), name(field), [0, 0])),
        ),
      );
    t.is(refusalCode(importing(text, 'f')), 'component_unsupported', JSON.stringify(text));
    t.is(refusalCode(importing('m', text)), 'component_unsupported', JSON.stringify(text));
    t.is(refusalCode(importing('m', 'f')), undefined);
  }
});

test('so are the names by which core instances are linked', (t) => {
  const empty = section(1, coreModule());
  for (const text of ESCAPES) {
    const argument = section(2, [1, 0, 0, 1], name(text), [0x12, 0]);
    const inline = section(2, [1, 1, 1], name(text), [0, 0]);
    const alias = section(6, [1, 0, 0, 1, 0], name(text));
    for (const bytes of [component(empty, argument), component(empty, inline), component(empty, alias)]) {
      t.is(refusalCode(bytes), 'component_unsupported', JSON.stringify(text));
    }
  }
});

test('so are names and labels of the component level', async (t) => {
  const bytes = await runComponent();
  const hostile = Buffer.from(bytes);
  const at = hostile.lastIndexOf('wasi:cli/run@0.2.3');
  hostile.write("wasi'cli", at);
  t.is(refusalCode(hostile), 'component_unsupported');
  const record = component(section(7, [1, 0x72, 1], name("a'b"), [0x79]));
  t.is(refusalCode(record), 'component_unsupported');
});

test('components nested a thousand deep are refused', (t) => {
  let bytes = component();
  for (let i = 0; i < 1_000; i++) bytes = component(section(4, bytes));
  t.is(refusalCode(bytes), 'component_too_complex');
});

test('component types nested a thousand deep are refused', (t) => {
  let type: Uint8Array = Uint8Array.from([0x41, 0]);
  for (let i = 0; i < 1_000; i++) type = joined([0x41, 1, 0x01], type);
  t.is(refusalCode(component(section(7, [1], type))), 'component_too_complex');
});

test('value types may nest 64 deep, not 65', (t) => {
  const nested = (depth: number): Uint8Array => {
    const types = [joined([0x7f]), ...Array.from({ length: depth - 1 }, (_, i) => joined([0x70], leb(i)))];
    return component(section(7, leb(types.length), ...types));
  };
  t.is(refusalCode(nested(64)), undefined);
  t.is(refusalCode(nested(65)), 'component_too_complex');
});

test('the depth of a type is seen through an instance and an alias', (t) => {
  // An instance type whose export is 60 deep, an import of it, its export aliased, 10 lists around that.
  const inner = [joined([0x01, 0x7f]), ...Array.from({ length: 59 }, (_, i) => joined([0x01, 0x70], leb(i)))];
  const exported = joined([0x04, 0x00], name('t'), [0x03, 0x00, 59]);
  const instanceType = joined([0x42], leb(61), ...inner, exported);
  const bytes = component(
    section(7, [1], instanceType),
    section(10, [1, 0x00], name('a:b/c'), [0x05, 0]),
    section(6, [1, 0x03, 0x00, 0], name('t')),
    section(7, leb(10), ...Array.from({ length: 10 }, (_, i) => joined([0x70], leb(i + 1)))),
  );
  t.is(refusalCode(bytes), 'component_too_complex');
});

test('counts are summed over all modules', (t) => {
  const half = section(1, coreModule(section(1, repeated(40_000, [0x60, 0, 0]))));
  t.is(refusalCode(component(half)), undefined);
  t.is(refusalCode(component(half, half)), 'component_too_complex');
  const many = Array.from({ length: 65 }, () => section(1, coreModule()));
  t.is(refusalCode(component(...many)), 'component_too_complex');
});

test('a count that the file cannot hold is malformed, whatever it counts', (t) => {
  for (const id of [2, 5, 6, 7, 8, 10, 11]) {
    t.is(refusalCode(component(section(id, leb(4_000_000_000)))), 'component_malformed', `section ${id}`);
  }
  for (const id of [1, 2, 3, 4, 5, 6, 7, 9, 10, 11]) {
    const bytes = component(section(1, coreModule(section(id, leb(4_000_000_000)))));
    t.regex(refusalCode(bytes) ?? '', /^component_(malformed|too_complex)$/, `core section ${id}`);
  }
});

test('a component cut off anywhere is refused or a shorter component, never an accident', async (t) => {
  const bytes = await blockingComponent();
  for (let end = 0; end < bytes.length; end += 7) {
    const code = refusalCode(bytes.subarray(0, end));
    t.true(code === undefined || code.startsWith('component_'), `${code} at ${end}`);
  }
});

test('a component with random bytes in it never leads to an accident', async (t) => {
  const bytes = await blockingComponent();
  for (let seed = 1; seed <= 400; seed++) {
    const noise = randomBytes(seed, 16);
    const mutated = Uint8Array.from(bytes);
    for (let i = 0; i < 4; i++) {
      const at = (noise[i * 3]! * 65_536 + noise[i * 3 + 1]! * 256 + noise[12 + i]!) % mutated.length;
      mutated[at] = noise[i * 3 + 2]!;
    }
    t.notThrows(() => refusal(mutated), `seed ${seed}`);
  }
});

test('core types, start and value sections are named in their refusal', async (t) => {
  const bytes = await parse('(component (core type (module)))');
  t.is(refusalCode(bytes), 'component_unsupported');
  t.regex(refusal(bytes)?.message ?? '', /core types/);
  t.is(refusalCode(component(section(9, [0, 0, 0]))), 'component_unsupported');
});
