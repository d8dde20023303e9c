import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { MessageId } from '../../host/model/ids.ts';
import type { QueueMessage } from '../../host/model/queue-message.ts';
import { matchFilters } from '../../host/triggers/filter-match.ts';
import { parseFilterPattern, parseFilters } from '../../host/triggers/filter-pattern.ts';

function message(body: unknown, more: Partial<QueueMessage> = {}): QueueMessage {
  return {
    id: '01900000-0000-7000-8000-000000000000' as MessageId,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    contentType: 'application/json',
    attributes: {},
    sentAtMs: 0,
    attempts: 1,
    ...more,
  };
}

const verdict = (pattern: unknown, body: unknown, more?: Partial<QueueMessage>): string =>
  matchFilters([parseFilterPattern(pattern, 'filters.0')], message(body, more));

/** rule list on `body.x`, a value that matches, one that does not */
const RULES: readonly (readonly [rules: unknown[], matching: unknown, other: unknown])[] = [
  [['a', 'b'], 'b', 'c'],
  [[5], 5, '5'],
  [[3.0], 3, 4],
  [[null], null, 'null'],
  [[''], '', 'x'],
  [[true], true, 'true'],
  [[{ prefix: 'eu-' }], 'eu-west', 'us-eu-'],
  [[{ prefix: { 'equals-ignore-case': 'EU-' } }], 'eU-west', 'us'],
  [[{ suffix: '.png' }], 'a.png', 'a.PNG'],
  [[{ suffix: { 'equals-ignore-case': '.png' } }], 'a.PNG', 'a.gif'],
  [[{ 'equals-ignore-case': 'alice' }], 'ALICE', 'alicea'],
  [[{ 'anything-but': 'x' }], 'y', 'x'],
  [[{ 'anything-but': 'x' }], 5, 'x'],
  [[{ 'anything-but': [1, 2] }], 3, 2],
  [[{ 'anything-but': ['a', 'b'] }], 'c', 'a'],
  [[{ 'anything-but': { prefix: 'init' } }], 'done', 'initial'],
  [[{ 'anything-but': { suffix: ['.png', '.gif'] } }], 'a.txt', 'a.gif'],
  [[{ 'anything-but': { 'equals-ignore-case': ['a', 'b'] } }], 'c', 'B'],
  [[{ 'anything-but': { wildcard: '*/lib/*' } }], '/bin/x', '/usr/lib/x'],
  [[{ numeric: ['=', 3] }], 3, 4],
  [[{ numeric: ['<', 10] }], 9.5, 10],
  [[{ numeric: ['>', 0, '<=', 5] }], 5, 0],
  [[{ numeric: ['>=', 0, '<', 5] }], 0, 5],
  [[{ numeric: ['<', 10] }], 1, '1'],
  [[{ wildcard: 'a*c*e' }], 'abcde', 'abcd'],
  [[{ wildcard: 'a\\*c' }], 'a*c', 'abc'],
  [[{ exists: true }], null, undefined],
  [[{ exists: false }], undefined, 'x'],
  [[{ exists: false }, 'x'], 'x', 'y'],
  [['a'], ['x', 'a'], ['x', 'y']],
  [[{ 'anything-but': 'x' }], ['x', 'y'], ['x']],
  [[{ exists: true }], ['x'], []],
  [[{ exists: true }], 'x', { y: 1 }],
];

for (const [rules, matching, other] of RULES) {
  test(`${JSON.stringify(rules)} is ${JSON.stringify(matching)}, not ${JSON.stringify(other)}`, (t) => {
    t.is(verdict({ body: { x: rules } }, { x: matching }), 'match');
    t.is(verdict({ body: { x: rules } }, { x: other }), 'no-match');
  });
}

test('all fields have to match, and one alternative of each $or', (t) => {
  const pattern = {
    body: { a: [1], $or: [{ b: [2] }, { c: [3], d: [{ exists: false }] }] },
    $or: [{ groupKey: ['g'] }, { attributes: { colour: ['red'] } }],
  };
  t.is(verdict(pattern, { a: 1, b: 2 }, { groupKey: 'g' }), 'match');
  t.is(verdict(pattern, { a: 1, c: 3 }, { attributes: { colour: 'red' } }), 'match');
  t.is(verdict(pattern, { a: 1, c: 3, d: 4 }, { groupKey: 'g' }), 'no-match');
  t.is(verdict(pattern, { a: 2, b: 2 }, { groupKey: 'g' }), 'no-match');
  t.is(verdict(pattern, { a: 1, b: 2 }), 'no-match');
});

test('fields that are asked of objects in a list have to be of one object', (t) => {
  const pattern = { body: { items: { kind: ['book'], price: [{ numeric: ['<', 10] }] } } };
  t.is(
    verdict(pattern, {
      items: [
        { kind: 'pen', price: 1 },
        { kind: 'book', price: 5 },
      ],
    }),
    'match',
  );
  t.is(
    verdict(pattern, {
      items: [
        { kind: 'pen', price: 1 },
        { kind: 'book', price: 50 },
      ],
    }),
    'no-match',
  );
});

test('a body that is not JSON matches no fields of it, not even absent ones', (t) => {
  const pattern = { body: { x: [{ exists: false }] } };
  t.is(verdict(pattern, {}), 'match');
  t.is(verdict(pattern, 'not json'), 'no-match');
  t.is(verdict(pattern, '{"x": '), 'no-match');
  t.is(verdict(pattern, '5'), 'no-match');
});

test('a list for the body itself is about texts, as in Lambda', (t) => {
  t.is(verdict({ body: [{ prefix: 'order ' }] }, 'order 5'), 'match');
  t.is(verdict({ body: [{ prefix: '{' }] }, { x: 1 }), 'no-match');
  t.is(verdict({ body: [{ prefix: '{' }] }, '{x: 1}'), 'match');
});

test('what objects inherit is no field of a message', (t) => {
  for (const name of ['constructor', 'toString', 'length', '__proto__']) {
    t.is(verdict({ body: { [name]: [{ exists: false }] } }, {}), 'match', name);
    t.is(verdict({ body: { x: { [name]: [{ exists: true }] } } }, { x: [] }), 'no-match', name);
  }
});

test('a message is for the function if one of its filters matches, or there is none', (t) => {
  const filters = parseFilters([{ body: { a: [1] } }, { body: { b: [1] } }]);
  t.is(matchFilters(filters, message({ b: 1 })), 'match');
  t.is(matchFilters(filters, message({ c: 1 })), 'no-match');
  t.is(matchFilters([], message('anything')), 'match');
});

const INVALID: readonly (readonly [pattern: unknown, field: string])[] = [
  [5, 'filters.0'],
  [{}, 'filters.0'],
  [{ data: { a: [1] } }, 'filters.0.data'],
  [{ body: 'x' }, 'filters.0.body'],
  [{ body: [] }, 'filters.0.body'],
  [{ body: { price: [] } }, 'filters.0.body.price'],
  [{ body: { price: [{ numeric: ['>', '5'] }] } }, 'filters.0.body.price.0.numeric.1'],
  [{ body: { price: [{ numeric: ['~', 5] }] } }, 'filters.0.body.price.0.numeric.0'],
  [{ body: { price: [{ numeric: ['<', 5, '>', 6] }] } }, 'filters.0.body.price.0.numeric'],
  [{ body: { price: [{ numeric: ['<', 6e9] }] } }, 'filters.0.body.price.0.numeric.1'],
  [{ body: { a: [1, { prefix: 5 }] } }, 'filters.0.body.a.1.prefix'],
  [{ body: { a: [{ prefix: { suffix: 'x' } }] } }, 'filters.0.body.a.0.prefix.suffix'],
  [{ body: { a: [{ wildcard: 'a**b' }] } }, 'filters.0.body.a.0.wildcard'],
  [{ body: { a: [{ wildcard: 'a\\b' }] } }, 'filters.0.body.a.0.wildcard'],
  [{ body: { a: [{ exists: 'yes' }] } }, 'filters.0.body.a.0.exists'],
  [{ body: { a: [{ 'anything-but': [null] }] } }, 'filters.0.body.a.0.anything-but'],
  [{ body: { a: [{ 'anything-but': { numeric: ['<', 5] } }] } }, 'filters.0.body.a.0.anything-but.numeric'],
  [{ body: { a: [{ matches: 'x' }] } }, 'filters.0.body.a.0.matches'],
  [{ body: { a: [{ prefix: 'x', suffix: 'y' }] } }, 'filters.0.body.a.0'],
  [{ body: { a: [[1]] } }, 'filters.0.body.a.0'],
  [{ body: { $or: [{ a: [1] }] } }, 'filters.0.body.$or'],
  [{ body: { $or: [{ a: [1] }, 5] } }, 'filters.0.body.$or.1'],
  [{ $or: [{ a: [1] }, { body: { a: [1] } }] }, 'filters.0.$or.0.a'],
  [{ body: { a: ['x'.repeat(5_000)] } }, 'filters.0'],
];

for (const [pattern, field] of INVALID) {
  test(`${JSON.stringify(pattern).slice(0, 80)} is refused at ${field}`, (t) => {
    const error = t.throws(() => parseFilterPattern(pattern, 'filters.0'), { instanceOf: MayflyError });
    t.is(error.code, 'invalid_request');
    t.is(error.field, field);
    t.true(error.message.startsWith(field), error.message);
  });
}

test('a pattern that is nested too deeply is refused before anything recurses into it', (t) => {
  let pattern: unknown = [1];
  for (let depth = 0; depth < 100_000; depth++) pattern = { a: pattern };
  const error = t.throws(() => parseFilterPattern({ body: pattern }, 'f'), { instanceOf: MayflyError });
  t.regex(error.message, /nested deeper/);
});

test('a message that takes too many comparisons is told apart from one that does not match', (t) => {
  const rules = Array.from({ length: 200 }, (_, index) => ({ prefix: `p${index}` }));
  const numbers = { x: Array.from({ length: 300_000 }, () => 1) };
  t.is(verdict({ body: { x: rules } }, numbers), 'too-costly');
  // As many exact values are one comparison.
  t.is(verdict({ body: { x: [2, 3, 4, 5, 6, 7] } }, numbers), 'no-match');
});

test('lists nested without end overflow no stack', (t) => {
  t.is(verdict({ body: { x: [1] } }, `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), 'too-costly');
});

test('a wildcard takes time linear in the text, however nearly it matches', (t) => {
  const text = 'a'.repeat(1_000_000);
  const pattern = { body: [{ wildcard: `*${'a'.repeat(3_000)}b*` }] };
  const startedMs = performance.now();
  t.is(verdict(pattern, text), 'no-match');
  // Quadratic, it were 3 * 10^9 comparisons: seconds.
  t.true(performance.now() - startedMs < 1_000);
});
