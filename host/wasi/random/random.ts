import type { WasiContext } from '../context.ts';

/**
 * Most bytes of one call. WASI 0.2 has no way to give fewer than were asked for, so a longer request ends the
 * invocation; 0.3 gives at most this many. 1 MiB takes the system's generator about 2 ms, in which the thread
 * serves nobody else.
 */
export const MAX_RANDOM_BYTES: number = 1024 * 1024;

/** 64 bits; what WASI calls insecure is no worse here. */
export function randomU64(context: WasiContext): bigint {
  const bytes = context.randomBytes(8);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true);
}

/** Exactly `len` bytes, or the end of the invocation. */
function randomBytes(context: WasiContext, len: bigint): Uint8Array {
  if (len > BigInt(MAX_RANDOM_BYTES)) {
    throw context.terminate('function_trapped', `More than ${MAX_RANDOM_BYTES} random bytes in one call.`);
  }
  return context.randomBytes(Number(len));
}

/** `wasi:random/random` (WASI 0.2). */
export function createRandom(context: WasiContext) {
  return {
    getRandomBytes: (len: bigint) => randomBytes(context, len),
    getRandomU64: () => randomU64(context),
  };
}

/** `wasi:random/insecure` (WASI 0.2). */
export function createInsecure(context: WasiContext) {
  return {
    getInsecureRandomBytes: (len: bigint) => randomBytes(context, len),
    getInsecureRandomU64: () => randomU64(context),
  };
}

/** `wasi:random/insecure-seed` (WASI 0.2). */
export function createInsecureSeed(context: WasiContext) {
  return { insecureSeed: (): [bigint, bigint] => [randomU64(context), randomU64(context)] };
}
