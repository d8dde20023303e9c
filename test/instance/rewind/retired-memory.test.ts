import { readFileSync } from 'node:fs';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { artifactOf } from '../../harness/artifact.ts';
import { plainCommand } from '../../harness/wat-commands.ts';
import { Serving } from '../freshness/serving.ts';

const MIB = 2 ** 20;
const CALLS = 30;
/** Each call writes to 32 MiB; 30 of them took up to a gigabyte when the collector gave them back. */
const MOST_BYTES = 256 * MIB;

/** Grows beyond any headroom, and writes to every page. */
const grower = (obstacle: string): string => `
  (memory (export "memory") 1)
  ${obstacle}
  (func (export "run") (result i32) (local $at i32)
    (drop (memory.grow (i32.const 512)))
    (loop $next
      (i32.store (local.get $at) (i32.const 7))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const ${32 * MIB}))))
    (i32.const 0))`;

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]) * 1_024;
}

const KINDS = {
  'a slot whose memory has grown': { obstacle: '', lost: CALLS },
  'an instance that is used once': {
    obstacle: '(global (mut v128) (v128.const i64x2 0 0))',
    lost: 0,
  },
} as const;

for (const [kind, { obstacle, lost }] of Object.entries(KINDS)) {
  test.serial(`${kind} gives its memory back before the collector finds it`, async (t) => {
    t.not(choosePolicy('auto').kernel, undefined, 'this kernel cannot be asked');
    const artifact = await artifactOf(await parse(plainCommand(grower(obstacle))));
    using serving = new Serving(artifact, { lookEvery: Infinity, configuration: { memoryBytes: 64 * MIB } });
    const startBytes = residentBytes();
    let mostBytes = 0;
    for (let call = 0; call < CALLS; call++) {
      const { failure } = await serving.call();
      t.is(failure, undefined);
      mostBytes = Math.max(mostBytes, residentBytes() - startBytes);
    }
    t.is(serving.slots.counts.lost, lost);
    t.true(mostBytes < MOST_BYTES, `${mostBytes / MIB} MiB`);
  });
}
