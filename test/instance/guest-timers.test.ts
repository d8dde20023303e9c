import test from 'ava';
import { GuestTimers } from '../../host/instance/guest-timers.ts';

/** jco's task loop: looks every 10 ms until `isDone`, and gives the number of looks. */
function look(timers: GuestTimers, isDone: () => boolean): Promise<number> {
  return new Promise((resolve) => {
    let looks = 0;
    const again = (): void => {
      looks++;
      if (isDone()) resolve(looks);
      else timers.set(again, 10, false);
    };
    timers.set(again, 10, false);
  });
}

test('a look does not wait for its 10 ms while the guest is busy', async (t) => {
  const timers = new GuestTimers();
  let late = 0;
  for (let i = 0; i < 100; i++) {
    timers.noteActivity();
    // Set first, it would fire before a look that took its 10 ms; one that does not is overtaken where the machine stalls.
    const asAskedFor = setTimeout(() => late++, 10);
    await look(timers, () => true);
    clearTimeout(asAskedFor);
  }
  t.true(late < 50, `${late} of 100 looks`);
});

test('looks get rarer while nothing happens, but never rarer than asked for', async (t) => {
  const timers = new GuestTimers();
  const startedMs = performance.now();
  let asAskedFor = 0;
  const every10Ms = setInterval(() => asAskedFor++, 10);
  const looks = await look(timers, () => performance.now() - startedMs > 300);
  clearInterval(every10Ms);
  // 32 at once, some dozens in the first 80 ms, then one in 10 ms; looking every millisecond would take 300. On a busy
  // machine there are fewer of both.
  t.true(looks > asAskedFor, `${looks} looks, and ${asAskedFor} would do`);
  t.true(looks < 150, `${looks} looks`);
});

test('what comes while a guest is idle is seen an eighth of its wait later', async (t) => {
  const timers = new GuestTimers();
  let isThere = false;
  let isLate = false;
  setTimeout(() => {
    isThere = true;
    // Timers fire in the order in which they are due, however busy the machine is.
    setTimeout(() => {
      isLate = true;
    }, 10);
  }, 40);
  await look(timers, () => isThere);
  t.false(isLate);
});

test('a real delay is kept, and no look is behind it', async (t) => {
  const timers = new GuestTimers();
  const order: string[] = [];
  const startedMs = performance.now();
  await new Promise<void>((resolve) => {
    timers.set(resolve, 30, false);
    timers.set(() => order.push('task loop'), 10, false);
    // A promise's `resolve`: the task loop has resumed a task and looks again.
    timers.set((_value?: unknown) => void order.push('again'), 0, false);
  });
  t.true(performance.now() - startedMs > 29);
  t.deepEqual(order, ['task loop', 'again']);
});

test('an interval repeats until it is cleared, from within itself, too', async (t) => {
  const timers = new GuestTimers();
  let count = 0;
  const timer = timers.set(
    () => {
      if (++count === 50) timers.clear(timer);
    },
    0,
    true,
  );
  await look(timers, () => count === 50);
  const other = timers.set(() => count++, 0, true);
  timers.clear(other);
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.is(count, 50);
});

test('nothing fires after the end, and nothing can be set', async (t) => {
  const timers = new GuestTimers();
  let fired = 0;
  const fire = (): void => void fired++;
  for (const delay of [0, 10, 15]) timers.set(fire, delay, false);
  timers.set(fire, 0, true);
  timers.end();
  t.is(timers.set(fire, 0, false), undefined);
  await new Promise((resolve) => setTimeout(resolve, 30));
  t.is(fired, 0);
});
