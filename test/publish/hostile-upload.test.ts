import { gzipSync } from 'node:zlib';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { scanComponent, withoutCustomSections } from '../../host/compiler/component-sections.ts';
import type { ErrorCode } from '../../host/errors/errors.ts';
import { COMPONENT_LIMITS } from '../../host/limits/limits.ts';
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
} from '../compiler/binary-builder.ts';
import {
  blockingComponent,
  plainComponent,
  runComponent,
  secretsComponent,
  tupleComponent,
} from '../compiler/guests.ts';
import { outcomeOf, UploadFixture } from './upload-fixture.ts';

/** The export section of a wasip1 command. */
const START = section(7, [1], name('_start'), [0, 0]);
const EMPTY_BODY = [0, 0x0b];

function nestedBlocks(depth: number): Uint8Array {
  return joined(
    [0],
    new Uint8Array(depth * 2).map((_, i) => (i % 2 === 0 ? 0x02 : 0x40)),
    new Uint8Array(depth + 1).fill(0x0b),
  );
}

function nestedComponents(depth: number): Uint8Array {
  let bytes = component();
  for (let i = 0; i < depth; i++) bytes = component(section(4, bytes));
  return bytes;
}

/** Ten times the type before in a tuple, thirty times over: 10^30 fields in 400 bytes. */
function tupleBomb(): Uint8Array {
  const tuples = Array.from({ length: 30 }, (_, i) => joined([0x6f], repeated(10, leb(i))));
  const type = section(7, leb(31), [0x79], ...tuples);
  return component(type, section(11, [1, 0x00], name('t'), [0x03, 30, 0x00]));
}

const BOMBS: Record<
  string,
  { readonly bytes: () => Uint8Array | Promise<Uint8Array>; readonly code: ErrorCode }
> = {
  'a gzip file': { bytes: () => gzipSync('x'), code: 'component_malformed' },
  'an empty file': { bytes: () => new Uint8Array(), code: 'component_malformed' },
  'a component without a handler': { bytes: plainComponent, code: 'component_handler_missing' },
  'a reactor without a handler': {
    bytes: () => parse('(module (func (export "x")))'),
    code: 'component_handler_missing',
  },
  'an import that nobody offers': { bytes: secretsComponent, code: 'component_import_unknown' },
  '100,000 functions': {
    bytes: () =>
      moduleOf(
        Array.from({ length: 100_000 }, () => EMPTY_BODY),
        START,
      ),
    code: 'component_too_complex',
  },
  'one block more than may nest': {
    bytes: () => moduleOf([nestedBlocks(COMPONENT_LIMITS.blockDepth + 1)], START),
    code: 'component_too_complex',
  },
  '1,000,000 nested blocks': {
    bytes: () => moduleOf([nestedBlocks(1_000_000)], START),
    code: 'component_too_complex',
  },
  '1,000 nested components': { bytes: () => nestedComponents(1_000), code: 'component_too_complex' },
  '50,000 locals in each of 100 functions': {
    bytes: () =>
      moduleOf(
        Array.from({ length: 100 }, () => joined([1], leb(50_000), [0x7f, 0x0b])),
        START,
      ),
    code: 'component_too_complex',
  },
  '4,000,000,000 locals in one function': {
    bytes: () => moduleOf([joined([1], leb(4_000_000_000), [0x7f, 0x0b])], START),
    code: 'component_too_complex',
  },
  'a memory of 4 GiB': { bytes: () => runComponent('(memory 65536)'), code: 'component_memory_too_large' },
  '70,000 types': {
    bytes: () => coreModule(section(1, repeated(70_000, [0x60, 0, 0]))),
    code: 'component_too_complex',
  },
  'a table of elements that is not there': {
    bytes: () => component(section(1, coreModule(section(9, leb(60_000))))),
    code: 'component_malformed',
  },
  'a type of 10^30 fields': { bytes: tupleBomb, code: 'component_handler_missing' },
  'a few tuples that become megabytes of glue': {
    bytes: () => tupleComponent(5, 1),
    code: 'component_too_complex',
  },
  'a name that ends its quotes in generated code': {
    bytes: () => runComponent(`(func (export "a'];globalThis.taken=1;['"))`),
    code: 'component_unsupported',
  },
  'a shared memory': { bytes: () => runComponent('(memory 1 1 shared)'), code: 'component_unsupported' },
};

test.serial('each hostile upload is refused with its code and leaves nothing', async (t) => {
  const fixture = await UploadFixture.create(t);
  for (const [what, { bytes, code }] of Object.entries(BOMBS)) {
    t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(await bytes()))), code, what);
    t.deepEqual(await fixture.leftovers(), [], what);
  }
  t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent()))), 'published');
});

test.serial('random bytes and components cut off anywhere are refused by a 4xx', async (t) => {
  const fixture = await UploadFixture.create(t);
  const bytes = await blockingComponent();
  // Without what may be missing: then its last section is the export of the handler.
  const whole = withoutCustomSections(bytes, scanComponent(bytes));
  const uploads: (readonly [string, Uint8Array])[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    uploads.push([`seed ${seed}`, randomBytes(seed, 5_000)]);
    uploads.push([`preamble and seed ${seed}`, component(randomBytes(seed, 5_000))]);
  }
  for (let end = 4; end < whole.length; end += Math.ceil(whole.length / 60)) {
    uploads.push([`cut at ${end}`, whole.subarray(0, end)]);
  }
  for (const [what, upload] of uploads) {
    const outcome = await outcomeOf(fixture.publisher.publish(await fixture.job(upload)));
    t.regex(outcome, /^component_/, what);
  }
  t.deepEqual(await fixture.leftovers(), []);
});

test.serial(
  'components with random changes are published or refused by a 4xx, and never break the publisher',
  async (t) => {
    const fixture = await UploadFixture.create(t);
    const whole = await blockingComponent();
    for (let seed = 1; seed <= 60; seed++) {
      const noise = randomBytes(seed * 7_919, 8);
      const mutated = Uint8Array.from(whole);
      for (let i = 0; i < 2; i++) {
        mutated[(noise[i * 4]! * 65_536 + noise[i * 4 + 1]! * 256 + noise[i * 4 + 2]!) % mutated.length] =
          noise[i * 4 + 3]!;
      }
      const outcome = await outcomeOf(fixture.publisher.publish(await fixture.job(mutated)));
      t.regex(outcome, /^(published|component_)/, `seed ${seed}`);
    }
  },
);
