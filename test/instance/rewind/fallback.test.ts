/** What happens where the kernel refuses: a slot falls back or is given up, and never holds anything wrong. */
import { ftruncateSync, writeSync } from 'node:fs';
import test from 'ava';
import { openLinuxKernel } from '../../../host/instance/rewind/linux-kernel.ts';
import {
  KernelError,
  type MemoryKernel,
  type MemoryRegion,
} from '../../../host/instance/rewind/memory-kernel.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { StateImage } from '../../../host/instance/rewind/state-image.ts';
import { differenceOf, observe, start, statefulGuest } from './stateful-guest.ts';

type Call =
  | 'createFile'
  | 'openFile'
  | 'viewFile'
  | 'region'
  | 'mapPrivate'
  | 'discard'
  | 'scan'
  | 'pageFaults';

/** The machine's kernel, which refuses the calls that are in `refused`. */
function moodyKernel(refused: ReadonlySet<Call>): MemoryKernel {
  const kernel = openLinuxKernel();
  if (typeof kernel === 'string') throw new Error(kernel);
  const ask = <T>(call: Call, answer: () => T): T => {
    if (refused.has(call)) throw new KernelError(call, 12);
    return answer();
  };
  return {
    createFile: (content, length) => ask('createFile', () => kernel.createFile(content, length)),
    openFile: (fd) => ask('openFile', () => kernel.openFile(fd)),
    closeFile: (fd) => kernel.closeFile(fd),
    pageFaults: () => ask('pageFaults', () => kernel.pageFaults()),
    viewFile: (fd, length) => ask('viewFile', () => kernel.viewFile(fd, length)),
    region: (memory) =>
      ask('region', (): MemoryRegion => {
        const region = kernel.region(memory);
        return {
          mapPrivate(from, to, fd, offset) {
            // As the kernel does it when it fails half-way: the old content is gone.
            if (refused.has('mapPrivate')) new Uint8Array(memory.buffer).fill(0, from, to);
            ask('mapPrivate', () => region.mapPrivate(from, to, fd, offset));
          },
          discard: (from, to) => ask('discard', () => region.discard(from, to)),
          keepPagesSmall: (from, to) => region.keepPagesSmall(from, to),
          scan: (touched) => ask('scan', () => region.scan(touched)),
        };
      }),
  };
}

test('a kernel that lacks a call takes the next road', (t) => {
  const chosen = (...refused: Call[]): string => choosePolicy('auto', moodyKernel(new Set(refused))).road;
  t.is(chosen(), 'pagemap');
  t.is(chosen('scan'), 'madvise');
  for (const call of ['createFile', 'region', 'mapPrivate', 'discard'] as const)
    t.is(chosen(call), 'copy', call);
  const { road, reasons } = choosePolicy('auto', 'no such system');
  t.is(road, 'copy');
  t.deepEqual(reasons, ['pagemap: no such system', 'madvise: no such system']);
});

/** A scan that finds nothing, whatever was written. */
const emptyScan: MemoryRegion['scan'] = (touched) => {
  touched.clear();
  return true;
};

test('a kernel whose calls do nothing is found out', (t) => {
  const kernel = moodyKernel(new Set());
  const withRegion = (change: (region: MemoryRegion) => Partial<MemoryRegion>): MemoryKernel => ({
    ...kernel,
    region(memory) {
      const region = kernel.region(memory);
      const { mapPrivate, discard, keepPagesSmall, scan } = region;
      return { mapPrivate, discard, keepPagesSmall, scan, ...change(region) };
    },
  });
  t.is(
    choosePolicy(
      'auto',
      withRegion(() => ({ mapPrivate: () => {} })),
    ).road,
    'copy',
  );
  t.is(
    choosePolicy(
      'auto',
      withRegion(() => ({ discard: () => {} })),
    ).road,
    'copy',
  );
  t.is(
    choosePolicy(
      'auto',
      withRegion(() => ({ scan: emptyScan })),
    ).road,
    'madvise',
  );
});

for (const call of ['createFile', 'viewFile', 'region', 'mapPrivate', 'discard'] as const) {
  test(`${call} fails when a slot is made: the slot falls back to copying`, async (t) => {
    const refused = new Set<Call>();
    const policy = choosePolicy('pagemap', moodyKernel(refused));
    const running = start(await statefulGuest());
    const before = observe(running);
    refused.add(call);
    using image = StateImage.capture(running.instances, policy);
    const slot = image.apply(running.instances)!;
    t.is(differenceOf(before, observe(running)), undefined);
    // The memory without content needs no file, and so keeps the kernel's road if only the file failed.
    t.is(slot.roads[0], 'copy');
    running.call('touch', 0);
    t.is(slot.rewind(), 'clean');
    t.is(differenceOf(before, observe(running)), undefined);
  });
}

for (const [road, call] of [
  ['pagemap', 'scan'],
  ['madvise', 'discard'],
] as const) {
  test(`${call} fails when a slot is rewound: the slot is given up`, async (t) => {
    const refused = new Set<Call>();
    const policy = choosePolicy(road, moodyKernel(refused));
    const running = start(await statefulGuest());
    using image = StateImage.capture(running.instances, policy);
    const slot = image.apply(running.instances)!;
    refused.add(call);
    t.is(slot.rewind(), 'failed');
  });
}

test('ranges that are not of the memory, or of a memory that has grown, are refused', (t) => {
  const kernel = moodyKernel(new Set());
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 4 });
  const region = kernel.region(memory);
  const fd = kernel.createFile([{ bytes: new Uint8Array(65_536).fill(1), offset: 0 }], 65_536);
  for (const [from, to] of [
    [0, 3 * 65_536],
    [-65_536, 65_536],
    [4_096, 65_536],
    [0, 0],
    [65_536, 0],
    [Number.NaN, 65_536],
  ] as const) {
    t.throws(() => region.discard(from, to), { instanceOf: KernelError });
    t.throws(() => region.mapPrivate(from, to, fd, 0), { instanceOf: KernelError });
  }
  t.throws(() => region.mapPrivate(0, 65_536, fd, 1), { instanceOf: KernelError });
  // A descriptor that is none: the memory is zero, and there.
  new Uint8Array(memory.buffer).fill(7);
  t.throws(() => region.mapPrivate(0, 65_536, 1_000_000, 0), { instanceOf: KernelError, message: /errno 9/ });
  t.is(new Uint8Array(memory.buffer)[5], 0);
  t.is(new Uint8Array(memory.buffer)[65_541], 7);
  memory.grow(1);
  t.throws(() => region.discard(0, 65_536), { instanceOf: KernelError, message: /grown/ });
  kernel.closeFile(fd);
});

test('the file of an image cannot be written to', (t) => {
  const kernel = moodyKernel(new Set());
  const fd = kernel.createFile([{ bytes: new Uint8Array(65_536).fill(1), offset: 65_536 }], 131_072);
  const view = kernel.viewFile(fd, 131_072);
  t.is(view.bytes[0], 0);
  t.is(view.bytes[65_536], 1);
  view.release();
  t.is(view.bytes.length, 0);
  view.release();
  t.throws(() => writeSync(fd, 'x'), { code: 'EPERM' });
  t.throws(() => ftruncateSync(fd, 1), { code: 'EPERM' });
  kernel.closeFile(fd);
});
