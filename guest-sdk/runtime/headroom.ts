/**
 * Puts the engine's next garbage collection off until after the usual invocation. QuickJS collects once its heap has
 * grown by half since the last time. Pre-initialisation ends at any distance from there, and a collection writes to
 * every object: a megabyte of touched memory for the host to put back, and most of a small call's fuel. So one is
 * provoked here, with a large buffer in the heap that is freed right behind it. Imported last, behind the author's own
 * initialisation.
 */
const HEADROOM_BYTES = 4 * 1024 * 1024;

function collectWith(buffer: ArrayBuffer): number {
  // Objects are where QuickJS looks whether it is time.
  const objects = Array.from({ length: 16 }, (_, at) => ({ at }));
  return buffer.byteLength + objects.length;
}

if (collectWith(new ArrayBuffer(HEADROOM_BYTES)) < HEADROOM_BYTES) throw new Error('no headroom');
