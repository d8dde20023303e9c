import { InstrumentError } from './error.ts';
import { Cursor } from './reader.ts';

/** Section ids of a core module (core specification 5.5.2; 13 is exception handling's tag section). */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Place of each section in the file, by id: tags stand before globals, the data count before the code. */
const RANK = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6];

export function rankOf(id: number): number {
  return RANK[id] ?? RANK.length;
}

/** An empty custom section takes two bytes, so that a file could hold millions. Toolchains emit some dozens. */
const MAX_SECTIONS = 10_000;

/** A section: `bytes[start..end)` is its content, without id and size. */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

export type BinaryKind = 'module' | 'component';

/** What the eight bytes of preamble announce. Throws `malformed` for anything else. */
export function readPreamble(bytes: Uint8Array): BinaryKind {
  const isWasm =
    bytes.length >= 8 && bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (!isWasm) throw new InstrumentError('malformed', 'the WebAssembly preamble is missing', 0);
  if (bytes[5] === 0 && bytes[7] === 0) {
    if (bytes[4] === 1 && bytes[6] === 0) return 'module';
    if (bytes[4] === 0x0d && bytes[6] === 1) return 'component';
  }
  throw new InstrumentError('malformed', 'unknown WebAssembly version or layer', 4);
}

/** The next section at `cursor`, which then stands behind it; for modules and components alike. */
export function readSection(cursor: Cursor): Section {
  const id = cursor.u8();
  const size = cursor.count('bytes of a section');
  const start = cursor.pos;
  cursor.pos += size;
  return { id, start, end: cursor.pos };
}

/** The sections of a core module in file order; each known one at most once and in its place. */
export function readModuleSections(bytes: Uint8Array): readonly Section[] {
  if (readPreamble(bytes) !== 'module')
    throw new InstrumentError('malformed', 'a component is not a core module', 4);
  const cursor = new Cursor(bytes, 8);
  const sections: Section[] = [];
  let lastRank = 0;
  while (cursor.remaining > 0) {
    const at = cursor.pos;
    const section = readSection(cursor);
    if (sections.length === MAX_SECTIONS) {
      throw new InstrumentError('too_complex', `more than ${MAX_SECTIONS} sections`, at);
    }
    sections.push(section);
    if (section.id === SECTION.custom) continue;
    if (section.id > SECTION.tag)
      throw new InstrumentError('unsupported', `unknown section ${section.id}`, at);
    const rank = rankOf(section.id);
    if (rank <= lastRank) cursor.fail(`section ${section.id} is repeated or out of order`, at);
    lastRank = rank;
  }
  return sections;
}
