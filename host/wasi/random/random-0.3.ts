import type { WasiContext } from '../context.ts';
import { MAX_RANDOM_BYTES, randomU64 } from './random.ts';

/** WASI 0.3 lets a call give fewer bytes than asked for, but at least one of them. */
function someBytes(context: WasiContext, maxLen: bigint): Uint8Array {
  return context.randomBytes(maxLen > BigInt(MAX_RANDOM_BYTES) ? MAX_RANDOM_BYTES : Number(maxLen));
}

/** `wasi:random/random` (WASI 0.3). */
export function createRandom03(context: WasiContext) {
  return {
    getRandomBytes: (maxLen: bigint) => someBytes(context, maxLen),
    getRandomU64: () => randomU64(context),
  };
}

/** `wasi:random/insecure` (WASI 0.3). */
export function createInsecure03(context: WasiContext) {
  return {
    getInsecureRandomBytes: (maxLen: bigint) => someBytes(context, maxLen),
    getInsecureRandomU64: () => randomU64(context),
  };
}

/** `wasi:random/insecure-seed` (WASI 0.3). */
export function createInsecureSeed03(context: WasiContext) {
  return { getInsecureSeed: (): [bigint, bigint] => [randomU64(context), randomU64(context)] };
}
