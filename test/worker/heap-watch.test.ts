import test from 'ava';
import { HeapWatch } from '../../host/worker/heap-watch.ts';

/** A heap by numbers: what is in use, what is garbage, and what ends when it is relieved. */
class Heap {
  readonly limitBytes = 100;
  used = 0;
  garbage = 0;
  readonly endable: number[] = [];
  readonly log: string[] = [];
  collectionMs = 1;
  ms = 0;
  readonly nowMs = (): number => this.ms;
  /** Held by stacks that have not unwound yet. */
  #unwinding = 0;
  readonly #callbacks: (() => void)[] = [];
  readonly nextTurn = (callback: () => void): void => void this.#callbacks.push(callback);

  /** Turns of the event loop until nothing is left to do. */
  settle(): void {
    for (let next = this.#callbacks.shift(); next !== undefined; next = this.#callbacks.shift()) {
      this.used -= this.#unwinding;
      this.garbage += this.#unwinding;
      this.#unwinding = 0;
      next();
    }
  }

  usedBytes(): number {
    return this.used + this.garbage;
  }

  collect(): number {
    this.log.push('collect');
    this.garbage = 0;
    return this.collectionMs;
  }

  clear(): void {
    this.log.push('clear');
  }

  relieve(): boolean {
    const size = this.endable.shift();
    if (size === undefined) return false;
    this.log.push('relieve');
    this.#unwinding += size;
    return true;
  }
}

test('a heap below the mark is left alone', (t) => {
  const heap = new Heap();
  heap.used = 70;
  new HeapWatch(heap).look();
  t.deepEqual(heap.log, []);
});

test('garbage is collected, and nobody is ended for it', (t) => {
  const heap = new Heap();
  heap.used = 10;
  heap.garbage = 80;
  heap.endable.push(10);
  new HeapWatch(heap).look();
  t.deepEqual(heap.log, ['collect']);
});

test('one after the other is ended until the heap is below the mark', (t) => {
  const heap = new Heap();
  heap.used = 95;
  heap.endable.push(10, 20, 30);
  new HeapWatch(heap).look();
  heap.settle();
  t.deepEqual(heap.log, ['collect', 'clear', 'collect', 'relieve', 'collect', 'relieve', 'collect']);
  t.deepEqual(heap.endable, [30]);
});

test('a heap that nobody can relieve is not collected for as long as that takes', (t) => {
  const heap = new Heap();
  heap.used = 90;
  heap.collectionMs = 150;
  const watch = new HeapWatch(heap);
  const collectedAt: number[] = [];
  for (; heap.ms < 1_000; heap.ms += 50) {
    watch.look();
    if (heap.log.length > 0) collectedAt.push(heap.ms);
    heap.log.length = 0;
  }
  t.deepEqual(collectedAt, [0, 300, 600, 900], 'two collections each, before anything is given up and after');
});

test('no rest is longer than half a second, and none lasts while the heap grows', (t) => {
  const heap = new Heap();
  heap.used = 78;
  heap.collectionMs = 2_000;
  const watch = new HeapWatch(heap);
  const collects = (): boolean => {
    heap.log.length = 0;
    watch.look();
    return heap.log.length > 0;
  };
  t.true(collects());
  heap.ms = 499;
  heap.garbage = 12;
  t.false(collects());
  heap.garbage = 13;
  t.true(collects());
  t.false(collects());
  heap.ms = 999;
  t.true(collects());
});

test('whoever is in the midst of a call is not ended in it, but in a later turn', (t) => {
  const heap = new Heap();
  heap.used = 70;
  heap.endable.push(30);
  const watch = new HeapWatch(heap);
  watch.lookSoon();
  heap.settle();
  t.deepEqual(heap.log, []);
  heap.used = 95;
  watch.lookSoon();
  watch.lookSoon();
  t.deepEqual(heap.log, []);
  heap.settle();
  t.deepEqual(heap.log, ['collect', 'clear', 'collect', 'relieve', 'collect']);
});

test('a look while it is being relieved ends nobody else', (t) => {
  const heap = new Heap();
  heap.used = 95;
  heap.endable.push(30, 30);
  const watch = new HeapWatch(heap);
  watch.look();
  watch.look();
  heap.settle();
  t.deepEqual(heap.log, ['collect', 'clear', 'collect', 'relieve', 'collect']);
  t.deepEqual(heap.endable, [30]);
});

test('who cannot be parked must end if what is in use leaves the heap short, and a look follows', (t) => {
  const heap = new Heap();
  const watch = new HeapWatch(heap);
  heap.used = 70;
  t.false(watch.mustEnd());
  t.deepEqual(heap.log, []);
  heap.garbage = 20;
  t.false(watch.mustEnd());
  t.deepEqual(heap.log.splice(0), ['collect']);
  heap.ms += 1;
  heap.used = 90;
  heap.endable.push(20);
  t.true(watch.mustEnd());
  // Another one, in the same turn.
  t.true(watch.mustEnd());
  t.deepEqual(heap.log.splice(0), ['collect']);
  heap.settle();
  t.deepEqual(heap.log, ['collect', 'clear', 'collect', 'relieve', 'collect']);
  t.false(watch.mustEnd());
});

test('who cannot be parked must end although somebody else is being ended', (t) => {
  const heap = new Heap();
  heap.used = 90;
  heap.endable.push(20);
  const watch = new HeapWatch(heap);
  watch.look();
  t.true(watch.mustEnd());
  heap.settle();
  t.false(watch.mustEnd());
});
