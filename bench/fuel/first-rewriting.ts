/**
 * `node bench/fuel/first-rewriting.ts MODULE [--loaded]`: meters the module as the first one of this process. Prints as JSON how long that took, in
 * milliseconds of processor time (`millis`), and by how many bytes it made the process grow at most (`bytes`). With `--loaded` everything has been
 * loaded before, and nothing is in use yet, so that the growth is the module's alone.
 */
import { readFileSync } from 'node:fs';
import { meterModule } from './guest-program.ts';

const [file, loaded] = process.argv.slice(2);
if (file === undefined) throw new Error('give a module');
/** A function that adds 1. */
const TINY = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0],
  ...[10, 9, 1, 7, 0, 0x20, 0, 0x41, 1, 0x6a, 0x0b],
]);
if (loaded === '--loaded') for (let i = 0; i < 2_000; i++) meterModule(TINY);
const before = process.memoryUsage.rss();
const usage = process.cpuUsage();
meterModule(readFileSync(file));
const { user, system } = process.cpuUsage(usage);
console.log(JSON.stringify({ bytes: peakRss() - before, millis: (user + system) / 1_000 }));

/** In bytes. What `getrusage` tells is never less than what the process had that this one was forked from, which the bench is. */
function peakRss(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1_024;
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (peak === null) throw new Error('/proc/self/status tells no peak');
  return Number(peak[1]) * 1_024;
}
