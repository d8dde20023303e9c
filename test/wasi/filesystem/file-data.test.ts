import test from 'ava';
import { FilesystemError } from '../../../host/wasi/filesystem/error-code.ts';
import { FileData, PAGE_BYTES } from '../../../host/wasi/filesystem/file-data.ts';
import { SpaceBudget } from '../../../host/wasi/filesystem/space-budget.ts';
import { seededRandom } from '../fake-context.ts';

test('a file in pages behaves like one array of bytes', (t) => {
  const seed = Date.now() % 2 ** 31;
  t.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const budget = new SpaceBudget(100 * PAGE_BYTES);
  const data = new FileData(budget);
  let model = Buffer.alloc(0);
  for (let step = 0; step < 2000; step += 1) {
    const offset = random(10 * PAGE_BYTES);
    const length = random(3 * PAGE_BYTES);
    if (random(4) === 0) {
      data.resize(offset);
      const resized = Buffer.alloc(offset);
      model.copy(resized);
      model = resized;
    } else if (random(2) === 0) {
      const bytes = Buffer.alloc(length, 1 + (step % 255));
      t.is(data.write(offset, bytes), length);
      if (length > 0) {
        const grown = Buffer.alloc(Math.max(model.length, offset + length));
        model.copy(grown);
        bytes.copy(grown, offset);
        model = grown;
      }
    }
    t.is(data.size, model.length, `seed ${seed}`);
    t.deepEqual(
      Buffer.from(data.read(offset, length)),
      model.subarray(offset, offset + length),
      `seed ${seed}`,
    );
    t.true(budget.usedBytes <= (Math.ceil(model.length / PAGE_BYTES) || 0) * PAGE_BYTES, `seed ${seed}`);
  }
  data.clear();
  t.is(budget.usedBytes, 0);
});

test('space that is not written takes none', (t) => {
  const budget = new SpaceBudget(100 * PAGE_BYTES);
  const data = new FileData(budget);
  data.resize(100 * PAGE_BYTES);
  t.is(budget.usedBytes, 0);
  data.write(99 * PAGE_BYTES, Uint8Array.of(1));
  t.is(budget.usedBytes, PAGE_BYTES);
});

test('a page far out is let go without a look at each place before it', (t) => {
  const budget = new SpaceBudget(2 ** 50);
  const data = new FileData(budget);
  data.write(5, Uint8Array.of(1));
  data.write(2 ** 50 - 1, Uint8Array.of(1));
  data.resize(PAGE_BYTES);
  t.is(budget.usedBytes, PAGE_BYTES);
  t.is(data.read(5, 1)[0], 1);
  data.resize(2 ** 50);
  t.is(data.read(2 ** 50 - 1, 1)[0], 0);
});

test('a write stops where space ends, and fails where there is none', (t) => {
  const data = new FileData(new SpaceBudget(2 * PAGE_BYTES));
  t.is(data.write(PAGE_BYTES, new Uint8Array(3 * PAGE_BYTES)), PAGE_BYTES);
  const refused = (error: unknown): boolean =>
    error instanceof FilesystemError && error.payload === 'insufficient-space';
  for (const call of [
    () => data.write(2 * PAGE_BYTES, Uint8Array.of(1)),
    () => data.write(2 ** 60, Uint8Array.of(1)),
    () => data.resize(2 ** 60),
  ]) {
    try {
      call();
      t.fail();
    } catch (error) {
      t.true(refused(error));
    }
  }
});
