import test from 'ava';
import { HeapWatch } from '../../host/worker/heap-watch.ts';

/** A heap by numbers: what is in use, what is garbage, and what ends when it is relieved. */
class Heap {
  readonly limitBytes = 100;
  used = 0;
  garbage = 0;
  readonly endable: number[] = [];
  readonly log: string[] = [];

  usedBytes(): number {
    return this.used + this.garbage;
  }

  collect(): void {
    this.log.push('collect');
    this.garbage = 0;
  }

  relieve(): boolean {
    const size = this.endable.shift();
    if (size === undefined) return false;
    this.log.push('relieve');
    this.used -= size;
    this.garbage += size;
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
  t.deepEqual(heap.log, ['collect', 'relieve', 'collect', 'relieve', 'collect']);
  t.deepEqual(heap.endable, [30]);
});

test('a heap that nobody can relieve is not collected at every look', (t) => {
  const heap = new Heap();
  heap.used = 95;
  const watch = new HeapWatch(heap);
  for (let i = 0; i < 12; i++) watch.look();
  t.is(heap.log.length, 2);
});
