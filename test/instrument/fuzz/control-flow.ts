import type { Random } from '../random.ts';

/**
 * What such a module may have been charged for beyond its budget, by far: what is executed up to a check, and calls in a row that
 * return without one.
 */
export const MAX_EXCESS: number = 2 ** 20;

const MAX_NESTING = 5;
const MAX_STATEMENTS = 5;

/**
 * Random control flow as the text of a module: blocks, loops and branches of all kinds in any order, with calls, traps and returns
 * amid them. So most of it is dead, endless or both, which is what compilers do not write, and programs that are to end cannot have.
 */
export function randomControlFlow(random: Random): string {
  const functions = ['$f', '$g', '$h'].map((name) => functionText(name, random));
  return `(module (table funcref (elem $g)) ${functions.join('\n')} (export "f" (func $f)) (export "g" (func $g)))`;
}

function functionText(name: string, random: Random): string {
  const statements = statementsText(random, 1);
  const last = random.below(3) === 0 ? 'unreachable' : 'local.get 0';
  return `(func ${name} (param i32) (result i32) (local i32) (block ${statements}) ${last})`;
}

/** `labels` are in reach, which take nothing along. */
function statementsText(random: Random, labels: number): string {
  return Array.from({ length: random.below(MAX_STATEMENTS) }, () => statementText(random, labels)).join(' ');
}

function statementText(random: Random, labels: number): string {
  const label = (): number => random.below(labels);
  const value = (): string => valueText(random);
  const inner = (): string => statementsText(random, labels + 1);
  switch (random.below(labels > MAX_NESTING ? 9 : 16)) {
    case 0:
      return `(br ${label()})`;
    case 1:
    case 2:
      return `(br_if ${label()} ${value()})`;
    case 3:
      return `(br_table ${label()} ${label()} ${label()} ${value()})`;
    case 4:
      return random.below(2) === 0 ? 'unreachable' : `(return ${value()})`;
    case 5:
    case 6:
    case 7:
      return `(local.set ${random.below(2)} ${value()})`;
    case 8:
      return `(drop ${value()})`;
    case 9:
    case 10:
      return `(block ${inner()})`;
    case 11:
    case 12:
      return `(loop ${inner()})`;
    case 13:
      return `(if ${value()} (then ${inner()}))`;
    case 14:
      return `(if ${value()} (then ${inner()}) (else ${inner()}))`;
    default:
      return `(loop (br_if 0 ${value()}))`;
  }
}

function valueText(random: Random): string {
  return random.pick([
    '(local.get 0)',
    '(local.get 1)',
    '(i32.const 1)',
    '(i32.eqz (local.get 0))',
    '(i32.sub (local.get 1) (i32.const 1))',
    '(call $g (local.get 0))',
    '(call $h (i32.const 0))',
    '(call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))',
  ]);
}
