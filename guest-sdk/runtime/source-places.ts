/**
 * Names the author's places instead of the bundle's, in what is logged. The build puts them into the component, so every log has them, whoever
 * reads it where, and no host has to keep or trust a source map. A line without a stack takes 4,000 units of fuel for it, where the usual call takes a
 * million (docs/decisions/0060-places-in-the-author-s-source.md).
 */

/** What the engine calls the bundle. */
const BUNDLE = 'componentize-qjs:user.js:';
const PLACE = /componentize-qjs:user\.js:(\d+):(\d+)/g;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export interface SourcePlaces {
  /** Paths below the author's project. */
  readonly files: readonly string[];
  /** Of the bundle, from 0: the one that `mappings` begin with. */
  readonly firstLine: number;
  /** As those of a source map, each line by itself. One text, which is taken apart only when it is needed. */
  readonly mappings: string;
}

let places: SourcePlaces | undefined;

/** Said by the build's last words. */
export function placesAre(built: SourcePlaces): void {
  places = built;
}

/** A text with the author's places in it. What is not the author's code is `mayfly`. */
export function withAuthorsPlaces(text: string): string {
  if (places === undefined || !text.includes(BUNDLE)) return text;
  const { files, firstLine, mappings } = places;
  const lines = mappings.split(';');
  return text.replace(PLACE, (_, line: string, column: string) => {
    const segment = segmentAt(lines[Number(line) - 1 - firstLine] ?? '', Number(column) - 1);
    if (segment === undefined) return `mayfly:${line}:${column}`;
    const [, file, sourceLine, sourceColumn] = segment;
    return `${files[file]}:${sourceLine + 1}:${sourceColumn + 1}`;
  });
}

type Segment = [column: number, file: number, line: number, sourceColumn: number];

/** The last one that begins at the column or before it; the first one of the line where none does. */
function segmentAt(line: string, column: number): Segment | undefined {
  if (line === '') return undefined;
  const at: Segment = [0, 0, 0, 0];
  let found: Segment | undefined;
  let field = 0;
  let value = 0;
  let shift = 0;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === ',') continue;
    const bits = DIGITS.indexOf(line[i]!);
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits >= 32) continue;
    at[field as 0] += value & 1 ? -(value >>> 1) : value >>> 1;
    value = 0;
    shift = 0;
    field = (field + 1) % 4;
    if (field !== 0) continue;
    if (found !== undefined && at[0] > column) break;
    found = [...at];
  }
  return found;
}
