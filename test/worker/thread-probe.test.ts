import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { LOOK_MS, ThreadProbe } from '../../host/worker/thread-probe.ts';

const LIMIT_MS = 10_000;
/** Looks at a thread that computes all the time until it has been kept for too long: the first answer is what the others are compared with. */
const LOOKS = LIMIT_MS / LOOK_MS + 1;

/** A thread whose clock and answers are a test's. */
class FakeThread {
  beats = 0;
  userMs = 0;
  /** It works where nothing interrupts it: questions wait. */
  isInEngine = false;
  asked = 0;
  readonly hung: number[] = [];
  readonly probe: ThreadProbe;
  #waiting: (() => void)[] = [];

  constructor() {
    this.probe = new ThreadProbe({
      beats: () => this.beats,
      userMs: () => {
        this.asked++;
        return new Promise((resolve) => {
          this.#waiting.push(() => resolve(this.userMs));
        });
      },
      limitMs: LIMIT_MS,
      onHung: (keptMs) => this.hung.push(keptMs),
    });
  }

  /** Time passes, of which the thread gets `userMs` of a processor; then it is looked at. */
  async look(userMs: number): Promise<void> {
    this.userMs += userMs;
    this.probe.look();
    if (!this.isInEngine) await this.answer();
  }

  async answer(): Promise<void> {
    for (const answer of this.#waiting.splice(0)) answer();
    await new Promise(setImmediate);
  }
}

test('a thread that computes and never goes on is told of once, when it has been kept for as long as it may be', async (t) => {
  const thread = new FakeThread();
  for (let i = 1; i < LOOKS; i++) await thread.look(LOOK_MS);
  t.deepEqual(thread.hung, []);
  await thread.look(LOOK_MS);
  t.deepEqual(thread.hung, [LIMIT_MS]);
  for (let i = 0; i < LOOKS; i++) await thread.look(LOOK_MS);
  t.is(thread.hung.length, 1);
});

test('one that goes on is not asked, and what it has computed before does not count', async (t) => {
  const thread = new FakeThread();
  for (let i = 0; i < 10 * LOOKS; i++) {
    thread.beats++;
    await thread.look(LOOK_MS);
  }
  t.is(thread.asked, 0);
  for (let round = 0; round < 10; round++) {
    for (let i = 1; i < LOOKS; i++) await thread.look(LOOK_MS);
    thread.beats++;
  }
  t.deepEqual(thread.hung, []);
});

test('one that goes on while it is asked has not been kept', async (t) => {
  const thread = new FakeThread();
  for (let i = 1; i < LOOKS; i++) await thread.look(LOOK_MS);
  thread.isInEngine = true;
  await thread.look(LOOK_MS);
  thread.beats++;
  await thread.answer();
  t.deepEqual(thread.hung, []);
});

test('a machine that stands still, or whose processors are elsewhere, is no hang', async (t) => {
  const thread = new FakeThread();
  // A day, in looks.
  for (let i = 0; i < 200_000; i++) thread.probe.look();
  t.is(thread.asked, 1, 'nobody is asked twice at a time');
  for (let i = 0; i < 10 * LOOKS; i++) await thread.look(0);
  t.deepEqual(thread.hung, []);
});

test('an account that jumps, as behind a pause of a virtual machine, is one look', async (t) => {
  const thread = new FakeThread();
  await thread.look(0);
  await thread.look(3_600_000);
  t.deepEqual(thread.hung, []);
  for (let i = 2; i < LOOKS; i++) await thread.look(LOOK_MS);
  t.deepEqual(thread.hung, [LIMIT_MS]);
});

test('what cannot be interrupted is the work of the engine: a long collection or compilation is one look', async (t) => {
  const thread = new FakeThread();
  for (let collection = 0; collection < 10; collection++) {
    thread.isInEngine = true;
    for (let i = 0; i < 10 * LOOKS; i++) await thread.look(LOOK_MS);
    thread.isInEngine = false;
    await thread.look(LOOK_MS);
  }
  t.deepEqual(thread.hung, []);
  t.true(thread.asked <= 20);
});

/** Works in the engine for some seconds, where nothing interrupts it, says so, and loops in Wasm without an end. */
const BUSY_THEN_ENDLESS = `
  const { parentPort } = require('node:worker_threads');
  require('node:crypto').pbkdf2Sync('word', 'salt', 8_000_000, 64, 'sha512');
  parentPort.postMessage('done');
  // (module (func (export "f") (loop (br 0))))
  const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
  WebAssembly.promising(exports.f)();
`;

test('Node answers for a real thread as is relied on: in the midst of Wasm, and not of its own work', async (t) => {
  const worker = new Worker(BUSY_THEN_ENDLESS, { eval: true });
  const hung: number[] = [];
  const hangs = Promise.withResolvers<void>();
  const probe = new ThreadProbe({
    beats: () => 0,
    userMs: async () => (await worker.cpuUsage()).user / 1_000,
    limitMs: 4 * LOOK_MS,
    onHung: (keptMs) => {
      hung.push(keptMs);
      hangs.resolve();
    },
  });
  const looking = setInterval(() => probe.look(), LOOK_MS);
  t.teardown(() => clearInterval(looking));
  await once(worker, 'message');
  t.deepEqual(hung, []);
  await hangs.promise;
  t.is(await worker.terminate(), 1);
  t.is(hung.length, 1);
});
