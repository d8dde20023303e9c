import test from 'ava';
import { Link, LinkedList } from '../host/linked-list.ts';

function listOf(...values: string[]): { list: LinkedList<string>; links: Link<string>[] } {
  const list = new LinkedList<string>();
  const links = values.map((value) => new Link(value));
  for (const link of links) list.append(link);
  return { list, links };
}

const valuesOf = (list: LinkedList<string>): string[] => [...list].map(({ value }) => value);

test('what is taken out is gone, wherever it was, and holds nothing', (t) => {
  for (const [index, rest] of [
    ['b', 'c'],
    ['a', 'c'],
    ['a', 'b'],
  ].entries()) {
    const { list, links } = listOf('a', 'b', 'c');
    list.remove(links[index]!);
    list.remove(links[index]!);
    t.deepEqual(valuesOf(list), rest);
    t.is(list.size, 2);
    t.is(list.first?.value, rest[0]);
    t.like(links[index], { isIn: false, before: undefined, after: undefined });
  }
});

test('what is appended again goes to the end, and is there once', (t) => {
  const { list, links } = listOf('a', 'b', 'c');
  list.append(links[0]!);
  list.append(links[0]!);
  t.deepEqual(valuesOf(list), ['b', 'c', 'a']);
  t.is(list.size, 3);
  for (const link of links) list.remove(link);
  t.is(list.first, undefined);
  list.append(links[1]!);
  t.deepEqual(valuesOf(list), ['b']);
});

test('each may be taken out while it is looked at', (t) => {
  const { list } = listOf('a', 'b', 'c', 'd');
  for (const link of list) if (link.value !== 'c') list.remove(link);
  t.deepEqual(valuesOf(list), ['c']);
});
