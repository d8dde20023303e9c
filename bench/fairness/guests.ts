/** Guests of the fairness bench, written by hand so that it is known what each executes. */

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { ARTIFACT_FILES } from '../../host/model/artifact.ts';
import type { Digest } from '../../host/model/ids.ts';
import type { LinkPlan } from '../../host/model/link-plan.ts';
import { runPipeline } from '../../host/publish/pipeline.ts';

/** A command whose `run` is the given core function; it imports nothing. */
function command(run: string): string {
  return `(component
    (core module $M ${run})
    (core instance $m (instantiate $M))
    ${RUN_EXPORT}`;
}

const RUN_EXPORT = `
    (func $run (result (result)) (canon lift (core func $m "run")))
    (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
    (instance $i (instantiate $C (with "run" (func $run))))
    (export "wasi:cli/run@0.2.0" (instance $i)))`;

/**
 * `$work`: so many steps of xorshift, which no compiler can leave out. A function of its own, because V8 replaces
 * code by optimised code only where a function is called anew.
 */
function work(steps: number): string {
  return `
  (func $work (param $x i32) (result i32) (local $n i32)
    (local.set $n (i32.const ${steps}))
    (loop $again
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 13))))
      (local.set $x (i32.xor (local.get $x) (i32.shr_u (local.get $x) (i32.const 17))))
      (local.set $x (i32.xor (local.get $x) (i32.shl (local.get $x) (i32.const 5))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $x))`;
}

/** Computes for ever. The global makes the result something that could be looked at: nothing can be left out. */
const ENDLESS = command(`
  ${work(10_000)}
  (global $x (mut i32) (i32.const 1))
  (func (export "run") (result i32)
    (loop $again (global.set $x (call $work (global.get $x))) (br $again))
    unreachable)`);

/** Computes for about ten slices. */
const FINITE = command(`
  ${work(2 ** 22)}
  (func (export "run") (result i32) (i32.eqz (call $work (i32.const 1))))`);

/** Has one page of memory, as the smallest real guest does, touches it, and computes for ever. */
const ENDLESS_WITH_MEMORY = command(`
  ${work(10_000)}
  (memory 1)
  (func (export "run") (result i32)
    (i32.store (i32.const 0) (i32.const 1))
    (loop $again (i32.store (i32.const 0) (call $work (i32.load (i32.const 0)))) (br $again))
    unreachable)`);

/** Imports the monotonic clock; \`run\` has \`$now\`, \`$subscribe\` (ns) and \`$block\`. */
function withClock(run: string): string {
  return `(component
    (import "wasi:io/poll@0.2.0" (instance $poll
      (export "pollable" (type (sub resource)))
      (export "[method]pollable.block" (func (param "self" (borrow 0))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
      (alias outer 1 $pollable (type $outer))
      (export "pollable" (type (eq $outer)))
      (export "now" (func (result u64)))
      (export "subscribe-duration" (func (param "when" u64) (result (own 1))))))
    (core func $now (canon lower (func $clock "now")))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))
    (core func $block (canon lower (func $poll "[method]pollable.block")))
    (core module $M
      (import "" "now" (func $now (result i64)))
      (import "" "subscribe" (func $subscribe (param i64) (result i32)))
      (import "" "block" (func $block (param i32)))
      ${run})
    (core instance $m (instantiate $M (with "" (instance
      (export "now" (func $now)) (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
    ${RUN_EXPORT}`;
}

/** Sleeps for an hour. */
const SLEEPER = withClock(`
  (memory 1)
  (func (export "run") (result i32)
    (call $block (call $subscribe (i64.const 3600000000000)))
    (i32.const 0))`);

/** Asks for the time, for ever: a loop of host calls that each return at once. */
const ENDLESS_CALLS = withClock(`
  (func (export "run") (result i32)
    (loop $again (drop (call $now)) (br $again))
    unreachable)`);

/** Answers every request with one line: the example written by hand. */
const SMALL_ANSWER = new URL('../../examples/tiny-wat/tiny.wat', import.meta.url);

export const GUESTS = {
  endless: async () => ENDLESS,
  'endless-with-memory': async () => ENDLESS_WITH_MEMORY,
  'endless-calls': async () => ENDLESS_CALLS,
  finite: async () => FINITE,
  sleeper: async () => SLEEPER,
  small: () => readFile(SMALL_ANSWER, 'utf8'),
} as const satisfies Record<string, () => Promise<string>>;

export type GuestName = keyof typeof GUESTS;

/** Publishes a guest as the host does, and gives what the main thread sends to serving threads. */
export async function publish(name: GuestName): Promise<ArtifactMessage> {
  const upload = await parse(await GUESTS[name]());
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  try {
    const uploadPath = join(folder, 'guest');
    await writeFile(uploadPath, upload);
    const hash = createHash('sha256').update(upload).digest('hex');
    const { manifest } = await runPipeline({
      uploadPath,
      digest: `sha256:${hash}` as Digest,
      handler: null,
      memoryBytes: FUNCTION_LIMITS.memoryBytes.default,
      stagingFolder: folder,
    });
    const modules = await Promise.all(
      manifest.modules.map(
        async (module) =>
          [module.name, await WebAssembly.compile(await readFile(join(folder, module.name)))] as const,
      ),
    );
    const plan = JSON.parse(await readFile(join(folder, ARTIFACT_FILES.plan), 'utf8')) as LinkPlan;
    return { key: hash, manifest, modules, plan, glue: null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
