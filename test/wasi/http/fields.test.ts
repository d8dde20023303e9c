import test from 'ava';
import { FieldMap } from '../../../host/wasi/http/fields.ts';
import { Fields as FieldsP2 } from '../../../host/wasi/http/fields-0.2.ts';
import { Fields as FieldsP3 } from '../../../host/wasi/http/fields-0.3.ts';
import { FieldsBudget } from '../../../host/wasi/http/fields-budget.ts';
import { createTestContext } from './support/context.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function errorTag(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return (error as { readonly payload: { readonly tag: string } }).payload.tag;
  }
  return undefined;
}

for (const [version, Fields] of [
  ['0.2', FieldsP2],
  ['0.3', FieldsP3],
] as const) {
  test(`${version}: names are compared without case and given back as they were written`, (t) => {
    const fields = Fields.fromList([
      ['X-One', bytes('1')],
      ['x-one', bytes('2')],
      ['X-Two', bytes('3')],
    ]);
    t.deepEqual(fields.get('x-ONE'), [bytes('1'), bytes('2')]);
    t.true(fields.has('X-TWO'));
    t.deepEqual(
      FieldMap.toList(fields).map(([name]) => name),
      ['X-One', 'x-one', 'X-Two'],
    );
  });

  test(`${version}: set replaces all values and delete removes them`, (t) => {
    const fields = Fields.fromList([
      ['a', bytes('1')],
      ['A', bytes('2')],
    ]);
    fields.set('a', [bytes('3')]);
    t.deepEqual(fields.get('a'), [bytes('3')]);
    fields.delete('A');
    t.false(fields.has('a'));
    t.deepEqual(fields.get('a'), []);
  });

  test(`${version}: syntax is checked, so that no value can split a message`, (t) => {
    const fields = new Fields();
    t.is(
      errorTag(() => fields.append('na me', bytes('1'))),
      'invalid-syntax',
    );
    t.is(
      errorTag(() => fields.append('', bytes('1'))),
      'invalid-syntax',
    );
    t.is(
      errorTag(() => fields.append('näme', bytes('1'))),
      'invalid-syntax',
    );
    for (const value of ['a\r\nb: c', 'a\nb', 'a\0b', 'a\x7fb']) {
      t.is(
        errorTag(() => fields.append('name', bytes(value))),
        'invalid-syntax',
      );
      t.is(
        errorTag(() => fields.set('name', [bytes('fine'), bytes(value)])),
        'invalid-syntax',
      );
    }
    t.false(fields.has('name'));
    fields.append('name', bytes('tab\tand \xff pass'));
    t.deepEqual(fields.get('name'), [bytes('tab\tand \xff pass')]);
  });

  test(`${version}: fields that manage the connection are forbidden`, (t) => {
    const fields = new Fields();
    for (const name of [
      'Connection',
      'keep-alive',
      'Host',
      'transfer-encoding',
      'upgrade',
      'proxy-connection',
      'http2-settings',
      'te',
    ]) {
      t.is(
        errorTag(() => fields.set(name, [bytes('x')])),
        'forbidden',
        name,
      );
      t.is(
        errorTag(() => Fields.fromList([[name, bytes('x')]])),
        'forbidden',
        name,
      );
    }
  });

  test(`${version}: what came from a wire is immutable, its clone is not`, (t) => {
    const wire = [
      ['host', bytes('example.com')],
      ['x', bytes('1')],
    ] as const;
    const fields = Fields.fromWire(wire, FieldsBudget.of(createTestContext()));
    t.is(
      errorTag(() => fields.append('y', bytes('2'))),
      'immutable',
    );
    t.is(
      errorTag(() => fields.delete('x')),
      'immutable',
    );
    t.false(fields.has('host'));
    const clone = fields.clone();
    clone.append('y', bytes('2'));
    t.true(clone.has('x') && clone.has('y'));
    t.false(fields.has('y'));
  });

  test(`${version}: fields cannot grow beyond what any message may have`, (t) => {
    const fields = new Fields();
    const tag = version === '0.3' ? 'size-exceeded' : 'invalid-syntax';
    const half = new Uint8Array(600 * 1024).fill(97);
    fields.append('a', half);
    t.is(
      errorTag(() => fields.append('b', half)),
      tag,
    );
    fields.delete('a');
    for (let index = 0; index < 2_000; index += 1) fields.append('c', bytes('x'));
    t.is(
      errorTag(() => fields.append('c', bytes('x'))),
      tag,
    );
  });
}

test('content-length is a number, or invalid where it contradicts itself', (t) => {
  const of = (...values: string[]): unknown =>
    FieldMap.contentLength(FieldsP2.fromList(values.map((value) => ['Content-Length', bytes(value)])));
  t.is(of(), undefined);
  t.is(of('12'), 12);
  t.is(of('12', '12'), 12);
  t.is(of('9007199254740991'), Number.MAX_SAFE_INTEGER);
  t.is(of('0000000000000012'), 12);
  const unsafe = ['9007199254740992', '9007199254740993', '9999999999999999', '99999999999999999999'];
  for (const value of [...unsafe, '00000000000000012', '-1', '1e3', '', '12, 12', '1:', '1/', ' 1'])
    t.is(of(value), 'invalid', value);
  t.is(of('12', '13'), 'invalid');
  t.is(of('12', '012'), 'invalid');
});

test('what content-length was asked for once follows the fields', (t) => {
  const fields = FieldsP2.fromList([['content-length', bytes('12')]]);
  t.is(FieldMap.contentLength(fields), 12);
  t.is(FieldMap.contentLength(fields), 12);
  fields.append('content-length', bytes('13'));
  t.is(FieldMap.contentLength(fields), 'invalid');
  fields.set('content-length', [bytes('14')]);
  t.is(FieldMap.contentLength(fields), 14);
  t.is(FieldMap.contentLength(fields.clone()), 14);
  fields.delete('content-length');
  t.is(FieldMap.contentLength(fields), undefined);
});

test('a usual name is held to the same rules as any other', (t) => {
  const fields = FieldsP2.fromList([['Content-Type', bytes('a')]]);
  fields.append('content-type', bytes('b'));
  t.deepEqual(fields.get('CONTENT-TYPE'), [bytes('a'), bytes('b')]);
  t.is(
    errorTag(() => fields.append('content-type', bytes('c\n'))),
    'invalid-syntax',
  );
  FieldMap.freeze(fields);
  t.is(
    errorTag(() => fields.append('content-type', bytes('c'))),
    'immutable',
  );
});
