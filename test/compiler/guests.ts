/** Guests for the tests of compiler/ and publish/: small ones from text, real ones from toolchains. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { componentize } from 'componentize-qjs';

/** A component that exports `wasi:cli/run` and returns ok; `core` adds to its core module. */
export async function runComponent(core = '', version = '0.2.3'): Promise<Uint8Array> {
  return parse(`(component
    (core module $m ${core} (func (export "run") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (result (result)) (canon lift (core func $i "run")))
    (instance $inst (export "run" (func $f)))
    (export "wasi:cli/run@${version}" (instance $inst)))`);
}

/** The same without a handler: it exports a plain function. */
export async function plainComponent(): Promise<Uint8Array> {
  return parse(`(component
    (core module $m (func (export "go")))
    (core instance $i (instantiate $m))
    (func (export "go") (canon lift (core func $i "go"))))`);
}

/**
 * A component with `functions` exported functions that take a tuple of ten tuples of ten ..., `depth` deep, of
 * bytes: a few hundred bytes from which jco writes megabytes of glue.
 */
export async function tupleComponent(depth: number, functions: number): Promise<Uint8Array> {
  const names = ['u8', ...Array.from({ length: depth }, (_, i) => `$t${i}`)];
  const types = names.slice(1).map((name, i) => `(type ${name} (tuple ${`${names[i]} `.repeat(10)}))`);
  const indices = Array.from({ length: functions }, (_, i) => i);
  const lifted = indices.map(
    (i) => `(func $f${i} (param "a" ${names.at(-1)})
      (canon lift (core func $i "go") (memory (core memory $i "m")) (realloc (core func $i "r"))))`,
  );
  return parse(`(component ${types.join(' ')}
    (core module $m (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0)
      (func (export "go") (param i32))
      (func (export "run") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    ${lifted.join(' ')}
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $inst (export "run" (func $run)))
    (export "wasi:cli/run@0.2.3" (instance $inst))
    (instance $many ${indices.map((i) => `(export "f${i}" (func $f${i}))`).join(' ')})
    (export "a:b/c" (instance $many)))`);
}

const IO_WIT = `
package wasi:io@0.2.3 {
  interface error { resource error { to-debug-string: func() -> string; } }
  interface poll {
    resource pollable { ready: func() -> bool; block: func(); }
    poll: func(in: list<borrow<pollable>>) -> list<u32>;
  }
  interface streams {
    use error.{error};
    use poll.{pollable};
    variant stream-error { last-operation-failed(error), closed }
    resource input-stream {
      read: func(len: u64) -> result<list<u8>, stream-error>;
      blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
      blocking-skip: func(len: u64) -> result<u64, stream-error>;
    }
    resource output-stream {
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
      blocking-flush: func() -> result<_, stream-error>;
      blocking-write-zeroes-and-flush: func(len: u64) -> result<_, stream-error>;
      blocking-splice: func(src: borrow<input-stream>, len: u64) -> result<u64, stream-error>;
    }
  }
}
package wasi:cli@0.2.3 { interface run { run: func() -> result; } }
package wasi:random@0.2.3 { interface random { get-random-u64: func() -> u64; } }
package wasi:random@0.3.0 { interface random { get-random-u64: func() -> u64; } }
package wasi:http@0.2.3 {
  interface types { resource incoming-request { } resource response-outparam { } }
  interface incoming-handler {
    use types.{incoming-request, response-outparam};
    handle: func(request: incoming-request, response-out: response-outparam);
  }
}
package example:env { interface secrets { get: func() -> u32; } }
`;

/** The core of a component: what wit-component needs besides the functions of the world. */
const REALLOC = `(memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)`;

/** A core module with the type of the world embedded, as wit-bindgen leaves it. */
export async function embeddedCore(world: string, core: string): Promise<Uint8Array> {
  const binary = await parse(`(module ${core} ${REALLOC})`);
  return componentEmbed({
    binary,
    witSource: `package test:test; world w { ${world} }\n${IO_WIT}`,
    world: 'w',
  });
}

export async function worldComponent(world: string, core: string): Promise<Uint8Array> {
  return componentNew(await embeddedCore(world, core), []);
}

const RUN = '(func (export "wasi:cli/run@0.2.3#run") (result i32) i32.const 0)';

/** Imports every blocking function of wasi:io 0.2, and two that do not block. */
export function blockingComponent(): Promise<Uint8Array> {
  const streams = 'wasi:io/streams@0.2.3';
  return worldComponent(
    `import wasi:io/poll@0.2.3; import ${streams}; export wasi:cli/run@0.2.3;`,
    `(import "wasi:io/poll@0.2.3" "poll" (func (param i32 i32 i32)))
     (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func (param i32)))
     (import "wasi:io/poll@0.2.3" "[method]pollable.ready" (func (param i32) (result i32)))
     (import "${streams}" "[method]input-stream.read" (func (param i32 i64 i32)))
     (import "${streams}" "[method]input-stream.blocking-read" (func (param i32 i64 i32)))
     (import "${streams}" "[method]input-stream.blocking-skip" (func (param i32 i64 i32)))
     (import "${streams}" "[method]output-stream.blocking-write-and-flush" (func (param i32 i32 i32 i32)))
     (import "${streams}" "[method]output-stream.blocking-flush" (func (param i32 i32)))
     (import "${streams}" "[method]output-stream.blocking-write-zeroes-and-flush" (func (param i32 i64 i32)))
     (import "${streams}" "[method]output-stream.blocking-splice" (func (param i32 i32 i64 i32)))
     ${RUN}`,
  );
}

/** `run` fails unless the random numbers of WASI 0.2 and 0.3 are 2 and 3. */
export function twoVersionsComponent(): Promise<Uint8Array> {
  return worldComponent(
    'import wasi:random/random@0.2.3; import wasi:random/random@0.3.0; export wasi:cli/run@0.2.3;',
    `(import "wasi:random/random@0.2.3" "get-random-u64" (func $two (result i64)))
     (import "wasi:random/random@0.3.0" "get-random-u64" (func $three (result i64)))
     (func (export "wasi:cli/run@0.2.3#run") (result i32)
       (i32.or (i64.ne (call $two) (i64.const 2)) (i64.ne (call $three) (i64.const 3))))`,
  );
}

/** Imports an interface that no host offers. */
export function secretsComponent(): Promise<Uint8Array> {
  return worldComponent(
    'import example:env/secrets; export wasi:cli/run@0.2.3;',
    `(import "example:env/secrets" "get" (func (result i32))) ${RUN}`,
  );
}

/** Exports both an HTTP handler and a command. */
export function httpAndRunComponent(): Promise<Uint8Array> {
  return worldComponent(
    'export wasi:http/incoming-handler@0.2.3; export wasi:cli/run@0.2.3;',
    `(func (export "wasi:http/incoming-handler@0.2.3#handle") (param i32 i32)) ${RUN}`,
  );
}

/** A wasip1 reactor as wit-bindgen for C leaves it: preview 1 imports, a handler, an embedded type. */
export function httpReactor(): Promise<Uint8Array> {
  return embeddedCore(
    'export wasi:http/incoming-handler@0.2.3;',
    `(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
     (func (export "_initialize"))
     (func (export "wasi:http/incoming-handler@0.2.3#handle") (param i32 i32))`,
  );
}

/** A WASI 0.3 HTTP guest in JavaScript. */
export async function javaScriptGuest(jsSource: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-wit-'));
  try {
    const jco = dirname(dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')));
    await cp(join(jco, 'lib/wit/builtin/0.3.0'), join(folder, 'deps'), { recursive: true });
    const world =
      'package test:guest;\nworld http { import wasi:http/types@0.3.0; export wasi:http/handler@0.3.0; }\n';
    await writeFile(join(folder, 'world.wit'), world);
    return (await componentize({ witPath: folder, world: 'http', jsSource })).component;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
