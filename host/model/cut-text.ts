/**
 * The beginning of a text, and nothing of the rest: a `slice` keeps the whole text it was cut from, which may be 256 MB of a guest's, outside of the heap that
 * is watched.
 */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  return Buffer.from(text.slice(0, length), 'utf16le').toString('utf16le');
}
