import { SECTION } from './sections.ts';
import { ByteSink } from './writer.ts';

const NAME = Buffer.from('metadata.code.branch_hint');

/**
 * The section that says which branches are unlikely (branch hinting proposal, appendix on code metadata), around the hints of so
 * many functions; empty if there are none. Without it V8 keeps nothing in registers across a check, since the call on its far
 * side could be the common way: the short loops of a hash were half as fast.
 */
export function branchHintSection(functions: number, hints: Uint8Array): Uint8Array<ArrayBuffer> {
  if (functions === 0) return new Uint8Array();
  const expected = hints.length + 64;
  const sink = new ByteSink(expected);
  sink.u8(SECTION.custom);
  sink.sized(expected, () => {
    sink.u32(NAME.length);
    sink.copy(NAME, 0, NAME.length);
    sink.u32(functions);
    sink.copy(hints, 0, hints.length);
  });
  return sink.written();
}
