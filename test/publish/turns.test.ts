import test from 'ava';
import { Turns } from '../../host/publish/turns.ts';

function rest(turns: Turns<string>): string[] {
  const taken: string[] = [];
  for (let next = turns.take(); next !== undefined; next = turns.take()) taken.push(next);
  return taken;
}

test('each tenant has a turn in a round, its oldest first', (t) => {
  const turns = new Turns<string>();
  for (const item of ['a1', 'a2', 'a3']) turns.wait(['a'], item);
  for (const item of ['b1', 'b2']) turns.wait(['b'], item);
  turns.wait([], 'nobody');
  t.is(turns.take(), 'a1');
  turns.wait(['c'], 'c1');
  t.deepEqual(rest(turns), ['b1', 'nobody', 'a2', 'c1', 'b2', 'a3']);
  turns.wait(['a'], 'a4');
  t.deepEqual(rest(turns), ['a4']);
});

test('what several wait for is taken once, when the first of them has its turn', (t) => {
  const turns = new Turns<string>();
  for (const item of ['a1', 'a2']) turns.wait(['a'], item);
  turns.wait(['a', 'b'], 'both');
  turns.wait(['b'], 'b1');
  t.deepEqual(rest(turns), ['a1', 'both', 'a2', 'b1']);
});
