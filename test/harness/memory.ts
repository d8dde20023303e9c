import { readFileSync } from 'node:fs';

/** What of a process' memory is present, in bytes (Linux: proc(5)). */
export function residentBytes(pid: number): number {
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1_024;
}
