/**
 * Lambda's event patterns, read once into a tree. Syntax:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (without `cidr`).
 *
 * A pattern is an object whose fields all have to match. A field's value is a list of rules of which one has to match, or another
 * object; `$or` is a list of patterns of which one has to. `filter-match.ts` evaluates it.
 */
import { MayflyError } from '../errors/errors.ts';
import { matchesWildcard, parseWildcard } from './wildcard.ts';

export type Scalar = string | number | boolean | null;

/** One rule of a list, on a value that is there. */
export type Test = (value: Scalar) => boolean;

export type PatternNode =
  | {
      readonly kind: 'fields';
      readonly fields: readonly (readonly [name: string, node: PatternNode])[];
      /** Of each list, one has to match. */
      readonly alternatives: readonly (readonly PatternNode[])[];
    }
  | {
      readonly kind: 'values';
      /** Values that are named themselves: one look, however many they are. */
      readonly exact: ReadonlySet<Scalar>;
      readonly tests: readonly Test[];
      /** Whether `exists` is asked: any leaf matches, or its absence does. */
      readonly ifPresent: boolean;
      readonly ifAbsent: boolean;
    };

export interface FilterPattern {
  readonly root: PatternNode;
}

/** Lambda's bound for the text of a pattern. It bounds how many rules there are, too. */
const PATTERN_CHARACTERS = 4_096;
const PATTERN_DEPTH = 32;
/** Ruler's range, in which 15 digits are exact. */
const NUMERIC_BOUND = 5e9;

/** What a message can be asked for. */
const FIELDS: readonly string[] = ['body', 'attributes', 'contentType', 'groupKey', 'messageId', '$or'];

type Json = Readonly<Record<string, unknown>>;

/**
 * @param field how the pattern is called where it was given, for errors: `filters.0`
 * @throws MayflyError `invalid_request`; its field is the path to what is wrong
 */
export function parseFilterPattern(pattern: unknown, field: string): FilterPattern {
  if (!isObject(pattern)) throw invalid(field, 'has to be an object');
  // Depth first: the serialiser recurses.
  const root = parseFields(pattern, field, 1, FIELDS);
  if (JSON.stringify(pattern).length > PATTERN_CHARACTERS)
    throw invalid(field, `is longer than ${PATTERN_CHARACTERS} characters`);
  return { root };
}

/** All filters of a mapping; a message is for the function if any of them matches, or there is none. */
export function parseFilters(filters: readonly unknown[], field = 'filters'): readonly FilterPattern[] {
  return filters.map((pattern, index) => parseFilterPattern(pattern, `${field}.${index}`));
}

function parseFields(pattern: Json, path: string, depth: number, known?: readonly string[]): PatternNode {
  if (depth > PATTERN_DEPTH) throw invalid(path, `is nested deeper than ${PATTERN_DEPTH}`);
  const entries = Object.entries(pattern);
  if (entries.length === 0) throw invalid(path, 'has no fields');
  const fields: [string, PatternNode][] = [];
  const alternatives: PatternNode[][] = [];
  for (const [name, value] of entries) {
    const at = `${path}.${name.slice(0, 64)}`;
    if (known?.includes(name) === false)
      throw invalid(at, `is not known here; a message has ${known.join(', ')}`);
    if (name === '$or') alternatives.push(parseOr(value, at, depth, known));
    else if (Array.isArray(value)) fields.push([name, parseValues(value, at)]);
    else if (isObject(value)) fields.push([name, parseFields(value, at, depth + 1)]);
    else throw invalid(at, 'has to be a list of rules, or an object');
  }
  return { kind: 'fields', fields, alternatives };
}

function parseOr(value: unknown, path: string, depth: number, known?: readonly string[]): PatternNode[] {
  if (!Array.isArray(value) || value.length < 2)
    throw invalid(path, 'has to be a list of two patterns or more');
  return value.map((pattern: unknown, index) => {
    if (!isObject(pattern)) throw invalid(`${path}.${index}`, 'has to be an object');
    return parseFields(pattern, `${path}.${index}`, depth + 1, known);
  });
}

function parseValues(rules: readonly unknown[], path: string): PatternNode {
  if (rules.length === 0) throw invalid(path, 'has no rules');
  const exact = new Set<Scalar>();
  const tests: Test[] = [];
  let ifPresent = false;
  let ifAbsent = false;
  for (const [index, rule] of rules.entries()) {
    const at = `${path}.${index}`;
    if (isScalar(rule)) {
      exact.add(rule);
      continue;
    }
    const [operator, operand] = operatorOf(rule, at);
    if (operator === 'exists') {
      if (typeof operand !== 'boolean') throw invalid(`${at}.exists`, 'has to be true or false');
      if (operand) ifPresent = true;
      else ifAbsent = true;
    } else {
      tests.push(testOf(operator, operand, `${at}.${operator}`));
    }
  }
  return { kind: 'values', exact, tests, ifPresent, ifAbsent };
}

function operatorOf(rule: unknown, path: string): [operator: string, operand: unknown] {
  if (!isObject(rule)) throw invalid(path, 'has to be a string, a number, true, false, null or a rule');
  const entries = Object.entries(rule);
  if (entries.length !== 1) throw invalid(path, 'has to have one operator');
  return entries[0]!;
}

function testOf(operator: string, operand: unknown, path: string): Test {
  switch (operator) {
    case 'prefix':
      return affixTest(operand, path, (value, text) => value.startsWith(text));
    case 'suffix':
      return affixTest(operand, path, (value, text) => value.endsWith(text));
    case 'equals-ignore-case': {
      const text = textOf(operand, path).toLowerCase();
      return (value) => typeof value === 'string' && value.toLowerCase() === text;
    }
    case 'wildcard': {
      const wildcard = parseWildcard(textOf(operand, path));
      if (wildcard === undefined) throw invalid(path, 'may have neither ** nor a backslash but \\* and \\\\');
      return (value) => typeof value === 'string' && matchesWildcard(wildcard, value);
    }
    case 'numeric':
      return numericTest(operand, path);
    case 'anything-but':
      return anythingBut(operand, path);
    default:
      throw invalid(
        path,
        'is not known here; there are prefix, suffix, equals-ignore-case, wildcard, numeric, anything-but and exists',
      );
  }
}

/** `"text"`, or `{"equals-ignore-case": "text"}`. */
function affixTest(operand: unknown, path: string, holds: (value: string, text: string) => boolean): Test {
  if (!isObject(operand)) {
    const text = textOf(operand, path);
    return (value) => typeof value === 'string' && holds(value, text);
  }
  const [operator, inner] = operatorOf(operand, path);
  if (operator !== 'equals-ignore-case') throw invalid(`${path}.${operator}`, 'is not known here');
  const text = textOf(inner, `${path}.${operator}`).toLowerCase();
  return (value) => typeof value === 'string' && holds(value.toLowerCase(), text);
}

/** A value, a list of values, or a rule on texts with one operand or a list of them. */
function anythingBut(operand: unknown, path: string): Test {
  if (isObject(operand)) {
    const [operator, inner] = operatorOf(operand, path);
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator))
      throw invalid(`${path}.${operator}`, 'is not known here');
    const tests = listOf(inner, `${path}.${operator}`).map((one) =>
      testOf(operator, one, `${path}.${operator}`),
    );
    return (value) => !tests.some((test) => test(value));
  }
  const values = new Set(listOf(operand, path));
  for (const value of values) {
    if (typeof value !== 'string' && typeof value !== 'number')
      throw invalid(path, 'has to be a string, a number, a list of them, or a rule on strings');
  }
  return (value) => !values.has(value);
}

/** `["=", 5]`, `["<", 10]` or both ends of a range: `[">", 0, "<=", 5]`. */
function numericTest(operand: unknown, path: string): Test {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4))
    throw invalid(path, 'has to be a comparison and a number, once or twice');
  const tests: ((value: number) => boolean)[] = [];
  for (let at = 0; at < operand.length; at += 2) {
    const bound: unknown = operand[at + 1];
    if (typeof bound !== 'number' || Math.abs(bound) > NUMERIC_BOUND)
      throw invalid(`${path}.${at + 1}`, `has to be a number between -${NUMERIC_BOUND} and ${NUMERIC_BOUND}`);
    tests.push(comparison(operand[at], bound, `${path}.${at}`));
  }
  if (tests.length === 2 && !isRange(String(operand[0]), String(operand[2])))
    throw invalid(path, 'has to name a lower bound (> or >=) and then an upper one (< or <=)');
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

function comparison(operator: unknown, bound: number, path: string): (value: number) => boolean {
  switch (operator) {
    case '=':
      return (value) => value === bound;
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '>':
      return (value) => value > bound;
    case '>=':
      return (value) => value >= bound;
    default:
      throw invalid(path, 'has to be =, <, <=, > or >=');
  }
}

function isRange(first: string, second: string): boolean {
  return first.startsWith('>') && second.startsWith('<');
}

function listOf(operand: unknown, path: string): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (list.length === 0) throw invalid(path, 'is an empty list');
  return list;
}

function textOf(operand: unknown, path: string): string {
  if (typeof operand !== 'string') throw invalid(path, 'has to be a string');
  return operand;
}

function isScalar(value: unknown): value is Scalar {
  return (
    value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(path: string, reason: string): MayflyError {
  return new MayflyError('invalid_request', `${path} ${reason}.`, { field: path });
}
