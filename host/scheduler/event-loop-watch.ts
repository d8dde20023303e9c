/**
 * Whether anything has come for the event loop of a thread, asked in the midst of a turn: a read of memory, where a turn of the loop behind a guest
 * that computes takes 20 to 80 µs (docs/decisions/0046-what-a-slice-costs.md).
 *
 * libuv waits for everything but timers at one epoll descriptor: for sockets, and at an eventfd for messages of other threads and results of
 * its pool. A poll of that descriptor is left with the kernel (`io_submit(2)`, `IOCB_CMD_POLL`); once something comes, its result is in a ring that
 * process and kernel share, where one may look without a system call, as libaio and fio do.
 *
 * 1. It is quiet only if nothing has come that the loop has not fetched. What cannot be found out is not quiet.
 * 2. Timers are not seen, nor what JavaScript has put off itself (ticks, microtasks, immediates).
 * 3. One request is under way at a time. It lasts until something comes, however many turns later; its result then tells nothing about the
 *    turn in which it is found, and the kernel is asked anew.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { descriptorOf } from '../descriptor-of.ts';
import { type Ffi, loadFfi } from '../ffi.ts';

/** Numbers of system calls, for which the C library has no functions. */
const SYSTEM_CALLS = {
  x64: { setup: 206n, destroy: 207n, submit: 209n },
  arm64: { setup: 0n, destroy: 1n, submit: 2n },
} as const;

/** `struct aio_ring`: indices of the ring's first and next event, and what shows that it is one. */
const HEAD = 2;
const TAIL = 3;
const MAGIC = 4;
const INCOMPATIBLE = 6;
const RING_MAGIC = 0xa10a10a1;
const RING_HEADER_BYTES = 32;

/** `struct iocb` as 32-bit words. */
const IOCB_WORDS = 16;
const OPCODE = 4;
const DESCRIPTOR = 5;
const EVENTS = 6;
const IOCB_CMD_POLL = 5;
const POLLIN = 1;

/** Smaller arrays live in V8's own heap, where they move. */
const ARGUMENT_BYTES = 4_096;

type Syscall = (number: bigint, a: bigint, b: bigint, c: bigint) => bigint;

export class EventLoopWatch {
  readonly #syscall: Syscall;
  readonly #calls: (typeof SYSTEM_CALLS)[keyof typeof SYSTEM_CALLS];
  /** Holds what the kernel reads: a request, and behind it the address of it. */
  readonly #argument: Uint32Array;
  readonly #requests: bigint;
  readonly #context: bigint;
  /** Undefined once it is closed. */
  #ring: Int32Array | undefined;
  #isAsking = false;

  private constructor(
    ffi: Ffi,
    calls: (typeof SYSTEM_CALLS)[keyof typeof SYSTEM_CALLS],
    loopDescriptor: number,
  ) {
    this.#syscall = ffi.dlopen(null, {
      syscall: { return: 'int64', arguments: ['int64', 'int64', 'int64', 'int64'] },
    }).functions.syscall as Syscall;
    this.#calls = calls;
    this.#argument = new Uint32Array(ARGUMENT_BYTES / 4);
    const address = ffi.getRawPointer(this.#argument);
    this.#requests = address + BigInt(IOCB_WORDS * 4);
    const words = new BigUint64Array(this.#argument.buffer);
    // Where the context comes, and then the address of the one request.
    const place = IOCB_WORDS / 2;
    if (this.#syscall(calls.setup, 1n, this.#requests, 0n) !== 0n) throw new Error('io_setup fails');
    this.#context = words[place]!;
    words[place] = address;
    this.#argument[OPCODE] = IOCB_CMD_POLL;
    this.#argument[DESCRIPTOR] = loopDescriptor;
    this.#argument[EVENTS] = POLLIN;
    this.#ring = new Int32Array(ffi.toArrayBuffer(this.#context, RING_HEADER_BYTES, false));
    if (this.#ring[MAGIC]! >>> 0 === RING_MAGIC && this.#ring[INCOMPATIBLE] === 0) return;
    this.close();
    throw new Error('the ring is of another form');
  }

  /**
   * For the loop of the calling thread; undefined where there is none to be had: another system, no `node:ffi`, a seccomp filter.
   * @param server one that listens in this thread: by its socket the loop's descriptor is found among those of the process
   */
  static async of(server: Server): Promise<EventLoopWatch | undefined> {
    const calls = SYSTEM_CALLS[process.arch as keyof typeof SYSTEM_CALLS];
    const ffi = loadFfi();
    if (process.platform !== 'linux' || calls === undefined || ffi === undefined) return undefined;
    // What is new in a loop is added to its descriptor when it next waits.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
    try {
      const loop = loopDescriptorOf(descriptorOf(server));
      return loop === undefined ? undefined : new EventLoopWatch(ffi, calls, loop);
    } catch {
      return undefined;
    }
  }

  /** Whether nothing has come since the loop was looked after last (invariant 1). */
  isQuiet(): boolean {
    const ring = this.#ring;
    if (ring === undefined) return false;
    if (this.#isAsking && !hasResult(ring)) return true;
    // Invariant 3.
    Atomics.store(ring, HEAD, Atomics.load(ring, TAIL));
    this.#isAsking = this.#syscall(this.#calls.submit, this.#context, 1n, this.#requests) === 1n;
    if (this.#isAsking) return !hasResult(ring);
    // A kernel that has the calls and no polls (gVisor) is not asked again.
    this.close();
    return false;
  }

  /** Idempotent; without it the kernel keeps a page until the process ends. */
  close(): void {
    const ring = this.#ring;
    if (ring === undefined) return;
    this.#ring = undefined;
    // The kernel takes its memory away: nobody may look at it any more.
    (ring.buffer as ArrayBuffer).transfer(0);
    this.#syscall(this.#calls.destroy, this.#context, 0n, 0n);
  }
}

function hasResult(ring: Int32Array): boolean {
  return Atomics.load(ring, TAIL) !== Atomics.load(ring, HEAD);
}

/** The epoll descriptor, of all of this process, at which `descriptor` is waited for (`/proc/[pid]/fdinfo`, proc(5)). */
function loopDescriptorOf(descriptor: number | undefined): number | undefined {
  const target = new RegExp(`^tfd:\\s*${descriptor}\\s`, 'm');
  return readdirSync('/proc/self/fd')
    .map(Number)
    .find((fd) => {
      try {
        return (
          readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]' &&
          target.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))
        );
      } catch {
        // Closed meanwhile.
        return false;
      }
    });
}
