/**
 * The function that a guest's code calls when its slice of fuel is used up, made of three: `decide` runs at once,
 * only if it says so the guest is parked by `park`, and `goOn` is what its stack does first when it goes on.
 *
 * V8 refuses to enter a `Suspending` import at all where there is nothing to suspend (a start function, an export
 * called without `WebAssembly.promising`), before any of our code runs. So the decision is made by an ordinary
 * import, and the branch between them is Wasm: a frame of JavaScript in between could not be parked either. `goOn` is called
 * by the stack itself, so that nothing can come between the two, and no promise is made for it: each one more between the guest
 * and the run queue costs a park 1 to 2 µs, since what runs once in a millisecond or two finds the processor's caches cold.
 */

/**
 * (module
 *   (import "" "fast" (func $fast (result i32)))
 *   (import "" "slow" (func $slow))
 *   (import "" "on" (func $on))
 *   (func (export "refill") (if (i32.eqz (call $fast)) (then (call $slow) (call $on)))))
 */
// biome-ignore format: one line a section
const MODULE = new WebAssembly.Module(new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x08, 0x02, 0x60, 0x00, 0x00, 0x60, 0x00, 0x01, 0x7f,
  0x02, 0x17, 0x03, 0x00, 0x04, 0x66, 0x61, 0x73, 0x74, 0x00, 0x01, 0x00, 0x04, 0x73, 0x6c, 0x6f, 0x77, 0x00, 0x00,
  0x00, 0x02, 0x6f, 0x6e, 0x00, 0x00,
  0x03, 0x02, 0x01, 0x00,
  0x07, 0x0a, 0x01, 0x06, 0x72, 0x65, 0x66, 0x69, 0x6c, 0x6c, 0x00, 0x03,
  0x0a, 0x0e, 0x01, 0x0c, 0x00, 0x10, 0x00, 0x45, 0x04, 0x40, 0x10, 0x01, 0x10, 0x02, 0x0b, 0x0b,
]));

/**
 * @param decide grants fuel or does not, and says whether the guest goes on at once (true) or is parked first
 * @param park resolves when it is the guest's turn again
 * @param goOn called on the stack that was parked, before the guest's code goes on; not where `park` was rejected
 */
export function createRefill(
  decide: () => boolean,
  park: () => Promise<void>,
  goOn: () => void,
): WebAssembly.ExportValue {
  const slow = new WebAssembly.Suspending(park) as WebAssembly.ImportValue;
  const imports = { '': { fast: () => Number(decide()), slow, on: goOn } };
  return new WebAssembly.Instance(MODULE, imports).exports['refill']!;
}
