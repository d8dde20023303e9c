import { gzipSync } from 'node:zlib';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { detectUpload } from '../../host/compiler/detect.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import { randomBytes } from './binary-builder.ts';
import { httpReactor, runComponent } from './guests.ts';

function refusal(bytes: Uint8Array): MayflyError {
  try {
    detectUpload(bytes);
  } catch (error) {
    if (error instanceof MayflyError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('components, commands and reactors are told apart', async (t) => {
  t.is(detectUpload(await runComponent()), 'component');
  t.is(detectUpload(await parse('(module (func (export "_start")))')), 'wasip1-command');
  t.is(detectUpload(await httpReactor()), 'wasip1-reactor');
});

test('what is no WebAssembly is refused with what it looks like', (t) => {
  const text = new TextEncoder();
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [gzipSync('x'), /gzip/],
    [Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0]), /zip/],
    [new Uint8Array(), /empty/],
    [text.encode('(module)'), /text/],
    [text.encode('<!doctype html>'), /HTML/],
    [text.encode('export default {}'), /plain text/],
    [randomBytes(7, 4_096), /no WebAssembly/],
  ];
  for (const [bytes, expected] of cases) {
    const error = refusal(bytes);
    t.is(error.code, 'component_malformed');
    t.regex(error.message, expected);
  }
});

test('a core module that imports from elsewhere than preview 1 is refused by name', async (t) => {
  const error = refusal(
    await parse('(module (import "env" "emscripten_x" (func)) (func (export "_start")))'),
  );
  t.is(error.code, 'component_import_unknown');
  t.regex(error.message, /"emscripten_x" from "env"/);
});

test('a reactor that says nothing about how to call it has no handler', async (t) => {
  const error = refusal(await parse('(module (func (export "_initialize")) (func (export "add")))'));
  t.is(error.code, 'component_handler_missing');
});

test('an unknown version of the binary format is malformed', (t) => {
  t.is(refusal(Uint8Array.from([0, 0x61, 0x73, 0x6d, 9, 0, 0, 0])).code, 'component_malformed');
  t.is(refusal(Uint8Array.from([0, 0x61, 0x73, 0x6d])).code, 'component_malformed');
});
