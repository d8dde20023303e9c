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

test('a heap that nobody can relieve is not collected at every look', (t) => {
  const heap = new Heap();
  heap.used = 95;
  heap.collectionMs = 1_000;
  const watch = new HeapWatch(heap);
  for (let i = 0; i < 12; i++) watch.look();
  t.is(heap.log.filter((entry) => entry === 'clear').length, 2);
});

test('a heap that is collected quickly is looked at again soon', (t) => {
  const heap = new Heap();
  heap.used = 95;
  heap.collectionMs = 30;
  const watch = new HeapWatch(heap);
  for (let i = 0; i < 12; i++) watch.look();
  t.is(heap.log.filter((entry) => entry === 'clear').length, 6);
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
