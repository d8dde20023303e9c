import test from 'ava';
import { ComponentTrap } from '../../host/component/component-trap.ts';
import { ErrorContext } from '../../host/component/error-context.ts';
import { HandleTable } from '../../host/component/handle-table.ts';
import { ResourceHandle } from '../../host/component/resource-handle.ts';
import { HANDLES_PER_TABLE } from '../../host/limits/limits.ts';

const entry = () => new ErrorContext('');

test('indices begin at 1, and the one freed last is given first', (t) => {
  const table = new HandleTable();
  t.deepEqual(
    [1, 2, 3].map(() => table.add(entry())),
    [1, 2, 3],
  );
  table.remove(1);
  table.remove(3);
  t.deepEqual(
    [1, 2, 3].map(() => table.add(entry())),
    [3, 1, 4],
  );
});

test('an index that is free, too large, 0 or of another kind traps', (t) => {
  const table = new HandleTable();
  const index = table.add(entry());
  for (const wrong of [0, 2, -1, 0x7fff_ffff])
    t.throws(() => table.get(wrong, ErrorContext), { instanceOf: ComponentTrap, message: /unknown/ });
  t.throws(() => table.get(index, ResourceHandle), { instanceOf: ComponentTrap, message: /another kind/ });
  table.remove(index);
  t.throws(() => table.get(index, ErrorContext), { instanceOf: ComponentTrap, message: /unknown/ });
});

test('a table that is full traps, and takes one again when one was freed', (t) => {
  const table = new HandleTable();
  for (let i = 0; i < HANDLES_PER_TABLE; i++) table.add(entry());
  t.throws(() => table.add(entry()), { instanceOf: ComponentTrap });
  table.remove(17);
  t.is(table.add(entry()), 17);
  t.is([...table.entries()].length, HANDLES_PER_TABLE);
});
