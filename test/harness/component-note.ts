/** The same module or component with a custom section more: it behaves the same and is another upload. */
export function withNote(wasm: Uint8Array, note: string): Uint8Array {
  const name = Buffer.from('note');
  const text = Buffer.from(note);
  const size = 1 + name.length + text.length;
  if (size > 127) throw new RangeError('a note is shorter than that');
  return Buffer.concat([wasm, Uint8Array.of(0, size, name.length), name, text]);
}
