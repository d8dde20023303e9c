/** Where a thread had no page fault since the last rewind, nothing is scanned; what is put back is the same. */
import test from 'ava';
import { openLinuxKernel } from '../../../host/instance/rewind/linux-kernel.ts';
import { KernelError, type MemoryKernel } from '../../../host/instance/rewind/memory-kernel.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { StateImage } from '../../../host/instance/rewind/state-image.ts';
import { TouchedRanges } from '../../../host/instance/rewind/touched-ranges.ts';
import { WrittenPages } from '../../../host/instance/rewind/written-pages.ts';
import { differenceOf, observe, start, statefulGuest } from './stateful-guest.ts';

const kernel = openLinuxKernel();

/** The machine's kernel; counts scans. */
function countingKernel(change: Partial<MemoryKernel> = {}) {
  if (typeof kernel === 'string') throw new Error(kernel);
  const counts = { scans: 0 };
  const counting: MemoryKernel = {
    createFile: (content, length) => kernel.createFile(content, length),
    openFile: (fd) => kernel.openFile(fd),
    closeFile: (fd) => kernel.closeFile(fd),
    viewFile: (fd, length) => kernel.viewFile(fd, length),
    pageFaults: () => kernel.pageFaults(),
    region(memory) {
      const region = kernel.region(memory);
      return {
        mapPrivate: (from, to, fd, offset) => region.mapPrivate(from, to, fd, offset),
        discard: (from, to) => region.discard(from, to),
        keepPagesSmall: (from, to) => region.keepPagesSmall(from, to),
        scan: (touched) => {
          counts.scans++;
          return region.scan(touched);
        },
      };
    },
    ...change,
  };
  return { counting, counts };
}

/** A slot that has written to `offsets` and was rewound. */
async function slotAfter(offsets: readonly number[], change?: Partial<MemoryKernel>) {
  const { counting, counts } = countingKernel(change);
  const running = start(await statefulGuest());
  const image = StateImage.capture(running.instances, choosePolicy('pagemap', counting));
  const slot = image.apply(running.instances)!;
  const before = observe(running);
  const use = (...offsets: readonly number[]): void => {
    for (const offset of offsets) running.call('storeA', offset, 0xee);
  };
  use(...offsets);
  slot.rewind();
  counts.scans = 0;
  return { slot, counts, use, difference: () => differenceOf(before, observe(running)) };
}

/** The count of faults, which stands still from when the test says so: the test runner has faults of its own. */
function stoppableFaults() {
  let stoppedAt: number | undefined;
  const real = (): number => (kernel as MemoryKernel).pageFaults();
  return {
    change: { pageFaults: () => stoppedAt ?? real() },
    stop: () => {
      stoppedAt = real();
    },
  };
}

test('pages that were written to before are put back without a scan', async (t) => {
  const { change, stop } = stoppableFaults();
  const { slot, counts, use, difference } = await slotAfter([70_000, 1_048_576], change);
  stop();
  slot.rewind();
  // Each of its three memories once.
  t.is(counts.scans, 3);
  for (let i = 0; i < 20; i++) {
    use(70_000 + i, 1_048_577);
    t.is(slot.rewind(), 'clean');
    t.is(difference(), undefined);
  }
  t.is(counts.scans, 3);
});

test('where there are too many ranges to be kept, every rewind scans', async (t) => {
  const { change, stop } = stoppableFaults();
  const scattered = Array.from({ length: 24 * 8 }, (_, i) => i * 8_192);
  const { slot, counts, use, difference } = await slotAfter(scattered, change);
  stop();
  slot.rewind();
  use(...scattered);
  slot.rewind();
  t.is(counts.scans, 3 + 1);
  t.is(difference(), undefined);
});

test('a page that is written to for the first time is found, wherever it lies', async (t) => {
  const { slot, use, difference } = await slotAfter([70_000, 1_048_576]);
  // Of the image, of its holes, of the zeros before and behind it; read before (`difference` reads all) and not.
  for (const offset of [74_000, 600_000, 12, 1_500_000, 70_000 + 8_192, 1_048_576 + 65_535, 20 * 65_536]) {
    use(offset);
    t.is(slot.rewind(), 'clean');
    t.is(difference(), undefined, `${offset}`);
  }
});

test('what one memory has written does not hide behind another one', async (t) => {
  const one = await slotAfter([70_000, 1_048_576]);
  const other = await slotAfter([70_000, 1_048_576]);
  one.use(90_000);
  other.use(95_000);
  t.is(other.slot.rewind(), 'clean');
  t.is(one.slot.rewind(), 'clean');
  t.is(one.difference(), undefined);
  t.is(other.difference(), undefined);
});

test('where faults are not counted, every rewind scans', async (t) => {
  const { slot, counts, use, difference } = await slotAfter([70_000], { pageFaults: () => 1 });
  use(70_000, 110_000);
  t.is(slot.rewind(), 'clean');
  t.is(counts.scans, 3);
  t.is(difference(), undefined);
});

test('a kernel that refuses to count is not asked again', async (t) => {
  let asked = 0;
  const { slot, counts } = await slotAfter([70_000], {
    pageFaults: () => {
      asked++;
      throw new KernelError('getrusage', 38);
    },
  });
  t.is(asked, 1);
  t.is(slot.rewind(), 'clean');
  t.is(counts.scans, 3);
});

test('the piece that two scans gave alike counts as memory that a slot keeps', async (t) => {
  let faults = 0;
  const { slot, counts, use, difference } = await slotAfter([70_000], { pageFaults: () => faults++ });
  const before = slot.keptBytes;
  use(70_000);
  t.is(slot.rewind(), 'clean');
  t.is(counts.scans, 3);
  t.is(slot.keptBytes - before, 4_096);
  t.is(difference(), undefined);
});

/** A memory with an image in its middle, whose bytes all differ from their neighbours and from zero. */
function imageAndPages() {
  const [from, to, lengthBytes] = [65_536, 40 * 65_536, 50 * 65_536];
  const bytes = Uint8Array.from({ length: to - from }, (_, i) => 1 + (i % 251));
  const image = { from, to, lengthBytes, fileOffset: 0, bytes };
  const whole = new Uint8Array(lengthBytes);
  whole.set(bytes, from);
  return { pages: new WrittenPages(image, () => 1), whole };
}

function touchedRanges(...ranges: readonly (readonly [number, number])[]): TouchedRanges {
  const touched = new TouchedRanges(16, 50 * 65_536);
  for (const [from, to] of ranges) touched.add(from, to);
  return touched;
}

/** What is restored over a memory in which everything is wrong; undefined where that is exactly the ranges. */
function wrongAfterRestore(
  pages: WrittenPages,
  whole: Uint8Array,
  touched: TouchedRanges,
): string | undefined {
  const memory = new Uint8Array(whole.length).fill(255);
  const expected = memory.slice();
  for (let i = 0; i < touched.count; i++)
    expected.set(whole.subarray(touched.from(i), touched.to(i)), touched.from(i));
  pages.list(touched);
  pages.restore(memory);
  pages.keep();
  if (Buffer.compare(memory, expected) === 0) return undefined;
  return `wrong at ${memory.findIndex((byte, at) => byte !== expected[at])}`;
}

test('what two scans gave alike is put back from one piece, until a scan gives something else', (t) => {
  const { pages, whole } = imageAndPages();
  // Over both ends of the image, within it, and before it.
  const usual: (readonly [number, number])[] = [
    [4_096, 8_192],
    [65_536 - 4_096, 65_536 + 8_192],
    [20 * 65_536, 20 * 65_536 + 4_096],
    [40 * 65_536 - 4_096, 41 * 65_536],
  ];
  t.is(wrongAfterRestore(pages, whole, touchedRanges(...usual)), undefined);
  t.is(pages.gatheredBytes, 0);
  for (let round = 0; round < 3; round++) {
    t.is(wrongAfterRestore(pages, whole, touchedRanges(...usual)), undefined);
    t.is(pages.gatheredBytes, 8_192 + 4_096 + 4_096);
  }
  for (const other of [
    [...usual, [45 * 65_536, 46 * 65_536] as const],
    [...usual.slice(0, 3), [40 * 65_536 - 8_192, 41 * 65_536] as const],
    [...usual.slice(0, 3), [40 * 65_536 - 8_192, 42 * 65_536] as const],
    usual.slice(0, 2),
  ]) {
    t.is(wrongAfterRestore(pages, whole, touchedRanges(...other)), undefined);
    t.is(pages.gatheredBytes, 0);
    t.is(wrongAfterRestore(pages, whole, touchedRanges(...other)), undefined);
    t.true(pages.gatheredBytes > 0);
  }
  pages.forget();
  t.is(pages.gatheredBytes, 0);
});

test('more than a mebibyte is not put together', (t) => {
  const { pages, whole } = imageAndPages();
  const large = [65_536, 65_536 * 17 + 4_096] as const;
  for (let round = 0; round < 3; round++)
    t.is(wrongAfterRestore(pages, whole, touchedRanges(large)), undefined);
  t.is(pages.gatheredBytes, 0);
});
