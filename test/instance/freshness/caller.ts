/** The guest of `caller.wat`, and lists of calls for it that are made by chance. */
import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { artifactOf } from '../../harness/artifact.ts';
import type { Random } from '../../instrument/random.ts';

/** Parameters and results of the core functions, as the module imports them. */
const TYPES: Readonly<Record<string, string>> = {
  '(param i32)':
    'block drop-pollable set-drop subtask-drop context-set error-drop drop-readable drop-writable future-drop-readable future-drop-writable read-via-stream',
  '(param i32 i32)': 'join error-message',
  '(result i32)': 'get-stdin get-stdout set-new context-get yield',
  '(result i64)': 'stream-new texts-new future-new',
  '(param i32) (result i32)':
    'ready subtask-cancel cancel-read cancel-write future-cancel-read future-cancel-write',
  '(param i64) (result i32)': 'subscribe wait-async',
  '(param i32 i32) (result i32)': 'set-poll set-wait error-new future-read future-write',
  '(param i32 i32 i32) (result i32)': 'read write read-sync write-sync texts-read texts-write',
  '(param i32 i64 i32)': 'read-input',
  '(param i32 i32 i32 i32)': 'write-output',
  '': 'press release',
};

export async function callerGuest(): Promise<LoadedArtifact> {
  const text = await readFile(new URL('caller.wat', import.meta.url), 'utf8');
  const functions = Object.entries(TYPES).flatMap(([type, names]) =>
    names.split(' ').map((name) => [name, type] as const),
  );
  const imports = functions.map(([name, type]) => `(import "" "${name}" (func $${name} ${type}))`);
  const exports = functions.map(([name]) => `(export "${name}" (func $${name}))`);
  return artifactOf(
    await parse(text.replace(';; IMPORTS', imports.join('\n')).replace(';; EXPORTS', exports.join('\n'))),
  );
}

/** Kinds of handles in `caller.wat`. */
const [SET, SUBTASK, READABLE, WRITABLE, TEXTS_OUT, TEXTS_IN, FUTURE_OUT, FUTURE_IN, ERROR, POLLABLE] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
];

interface Operation {
  readonly code: number;
  readonly makes?: readonly number[];
  /** Its first operand. */
  readonly of?: number;
  readonly drops?: boolean;
}

const JOIN = 2;
const PRESS = 24;
const RELEASE = 25;
const WAIT = 27;
const OPERATIONS: readonly Operation[] = [
  { code: 0, makes: [SET] },
  { code: 1, of: SET, drops: true },
  { code: JOIN },
  { code: 3, of: SET },
  { code: 4, of: SET },
  { code: 5, makes: [READABLE, WRITABLE] },
  ...[6, 8, 38].map((code) => ({ code, of: READABLE })),
  ...[7, 9, 39].map((code) => ({ code, of: WRITABLE })),
  { code: 10, of: READABLE, drops: true },
  { code: 11, of: WRITABLE, drops: true },
  { code: 12, makes: [FUTURE_OUT, FUTURE_IN] },
  ...[13, 15].map((code) => ({ code, of: FUTURE_OUT })),
  ...[14, 16].map((code) => ({ code, of: FUTURE_IN })),
  { code: 17, of: FUTURE_OUT, drops: true },
  { code: 18, of: FUTURE_IN, drops: true },
  { code: 19, makes: [ERROR] },
  { code: 20, of: ERROR },
  { code: 21, of: ERROR, drops: true },
  ...[22, 23, PRESS, RELEASE, 26, 40, 41, 42].map((code) => ({ code })),
  { code: WAIT, makes: [SUBTASK] },
  { code: 28, of: SUBTASK },
  { code: 29, of: SUBTASK, drops: true },
  { code: 30, makes: [READABLE] },
  { code: 31, makes: [TEXTS_OUT, TEXTS_IN] },
  { code: 32, of: TEXTS_OUT },
  { code: 33, of: TEXTS_IN },
  { code: 34, makes: [POLLABLE] },
  { code: 35, of: POLLABLE },
  { code: 36, of: POLLABLE, drops: true },
  { code: 37, of: POLLABLE },
];

/** Up to 40 calls, nearly all of them with handles that are there. */
export function randomCalls(random: Random): Uint8Array {
  const list: number[] = [];
  /** Of each kind: places in its ring, and whether what lies there was dropped. */
  const made = Array.from({ length: 10 }, () => ({ count: 0, live: new Set<number>() }));
  const pick = (kind: number): number | undefined => {
    if (random.below(60) === 0) return 128 + random.below(12);
    const live = [...made[kind]!.live];
    return live.length === 0 ? undefined : random.pick(live);
  };
  let pressed = 0;
  for (let left = 1 + random.below(40); left > 0; left--) {
    const { code, makes = [], of, drops = false } = random.pick(OPERATIONS);
    let [a, b]: (number | undefined)[] = [random.below(8), random.below(8)];
    let c = random.below(8);
    if (code === JOIN) {
      const kind = SUBTASK + random.below(7);
      [a, b] = [pick(kind), pick(SET)];
      c = kind - SUBTASK;
    } else if (of !== undefined) a = pick(of);
    // A wait of no time gives no handle.
    if (code === WAIT) a = 1;
    if (a === undefined || b === undefined || (code === RELEASE && pressed === 0)) continue;
    if (code === PRESS) pressed++;
    if (code === RELEASE) pressed--;
    list.push(code, a, b, c);
    if (drops) made[of!]!.live.delete(a);
    for (const kind of makes) made[kind]!.live.add(made[kind]!.count++ & 3);
  }
  return Uint8Array.from(list);
}
