/**
 * The author's places for those in the bundle, as the component carries them (`runtime/source-places.ts` reads them): the part of a source
 * map that a log needs. Positions and names of files below the project, nothing of what is in them. What is installed has its lines alone: zod's
 * 270 KB of source with all columns made a component of 3.56 MB one of 4.05 MB.
 */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SourcePlaces } from '../runtime/source-places.ts';
import { projectFolder } from './project-folder.ts';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const RUNTIME = dirname(fileURLToPath(new URL('../runtime/wire.ts', import.meta.url)));

/** Of a source map (https://tc39.es/ecma426/), whose sources are relative to the working directory. */
export interface BundleMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** Where in the bundle, and which place that is; all from 0. */
type Segment = readonly [column: number, source: number, line: number, sourceColumn: number];

/** @param entry the author's module */
export function sourcePlaces({ sources, mappings }: BundleMap, entry: string): SourcePlaces {
  const folder = projectFolder(entry);
  const files: string[] = [];
  const fileOf = sources.map((source) => {
    const path = resolve(source);
    if (source.startsWith('mayfly:') || path.startsWith(RUNTIME + sep)) return -1;
    return files.push(relative(folder, path).split(sep).join('/')) - 1;
  });
  const isInstalled = files.map((file) => file.split('/').includes('node_modules'));
  const lines = decode(mappings).map((segments) => {
    const kept = segments
      .map(([column, source, line, sourceColumn]): Segment => [column, fileOf[source]!, line, sourceColumn])
      .filter(([, file]) => file !== -1);
    const isFirstOfPackage = ([, file]: Segment, i: number): boolean => i === 0 || !isInstalled[file];
    return encode(kept.filter(isFirstOfPackage));
  });
  const firstLine = Math.max(
    0,
    lines.findIndex((line) => line !== ''),
  );
  const endLine = lines.findLastIndex((line) => line !== '') + 1;
  return { files, firstLine, mappings: lines.slice(firstLine, endLine).join(';') };
}

function decode(mappings: string): Segment[][] {
  let [source, line, sourceColumn] = [0, 0, 0];
  return mappings.split(';').map((text) => {
    let column = 0;
    const segments: Segment[] = [];
    for (const segment of text === '' ? [] : text.split(',')) {
      const [byColumns = 0, bySources, byLines = 0, bySourceColumns = 0] = numbersOf(segment);
      column += byColumns;
      if (bySources === undefined) continue;
      source += bySources;
      line += byLines;
      sourceColumn += bySourceColumns;
      segments.push([column, source, line, sourceColumn]);
    }
    return segments;
  });
}

/** As in a source map, but each line by itself, so that one is read without those before it. */
function encode(segments: readonly Segment[]): string {
  let before: Segment = [0, 0, 0, 0];
  return segments
    .map((segment) => {
      const text = segment.map((value, i) => numberText(value - before[i]!)).join('');
      before = segment;
      return text;
    })
    .join(',');
}

function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits >= 32) continue;
    numbers.push(value & 1 ? -(value >>> 1) : value >>> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

function numberText(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = '';
  do {
    const bits = rest & 31;
    rest >>>= 5;
    text += DIGITS[rest > 0 ? bits | 32 : bits];
  } while (rest > 0);
  return text;
}
