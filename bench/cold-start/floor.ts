/** (module (memory 1) (func (export "f"))) */
// biome-ignore format: one line a section
const MODULE = new WebAssembly.Module(new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x04, 0x01, 0x60, 0x00, 0x00,
  0x03, 0x02, 0x01, 0x00,
  0x05, 0x03, 0x01, 0x00, 0x01,
  0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00,
  0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b,
]));

/**
 * The least that a fresh state costs V8 itself, in microseconds: an instance of a module with a page of memory of its
 * own. It is called once outside of that, so that what is lazy in it is not left out of somebody else's time.
 */
export function instantiateFloor(): number {
  const startMs = performance.now();
  const instance = new WebAssembly.Instance(MODULE);
  const micros = (performance.now() - startMs) * 1_000;
  (instance.exports['f'] as () => void)();
  return micros;
}
