import { KernelError, type MemoryKernel } from './memory-kernel.ts';

/**
 * Gives what a memory takes back to the system, now. The collector would do it once it finds the memory unused; a guest
 * that writes to 32 MiB in each call left up to 5 GiB of such memories behind meanwhile
 * (docs/decisions/0007-rewinding.md).
 *
 * Nobody may use the memory any more: its content is gone, or zero. Where there is no kernel to ask, nothing happens.
 */
export function retireMemory(memory: WebAssembly.Memory, kernel: MemoryKernel | undefined): void {
  const { byteLength } = memory.buffer;
  if (kernel === undefined || byteLength === 0) return;
  try {
    kernel.region(memory).discard(0, byteLength);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}
