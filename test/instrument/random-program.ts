import type { Random } from './random.ts';

/**
 * Random programs over eight i32 locals, as a tree that can be both printed as WAT and walked. Loops count
 * down, so that every program ends; branches leave any enclosing block.
 */
export type Statement =
  | {
      readonly kind: 'set';
      readonly to: number;
      readonly left: number;
      readonly right: number;
      readonly op: '+' | '-' | '^';
    }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'loop';
      readonly counter: number;
      readonly turns: number;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: 'if';
      readonly test: number;
      readonly whenTrue: readonly Statement[];
      readonly whenFalse?: readonly Statement[];
    }
  | { readonly kind: 'br'; readonly depth: number }
  | { readonly kind: 'br_if'; readonly depth: number; readonly test: number }
  | { readonly kind: 'br_table'; readonly depths: readonly number[]; readonly test: number }
  | { readonly kind: 'return' }
  | { readonly kind: 'call'; readonly callee: number; readonly argument: number }
  | { readonly kind: 'fill'; readonly length: number };

/** Functions take one argument in local 0 and give local 0 back; each calls only later ones. */
export type Program = readonly (readonly Statement[])[];

const VARIABLES = 4;
/** Locals 4 to 7 count loops, by nesting depth. */
const MAX_LOOPS = 4;
const OPCODES = { '+': 'i32.add', '-': 'i32.sub', '^': 'i32.xor' } as const;

export function randomProgram(random: Random): Program {
  const functions = 1 + random.below(4);
  return Array.from({ length: functions }, (_, index) => statements(random, index, functions, 0, 0, 4));
}

function statements(
  random: Random,
  index: number,
  functions: number,
  depth: number,
  loops: number,
  size: number,
): Statement[] {
  return Array.from({ length: 1 + random.below(size) }, () =>
    statement(random, index, functions, depth, loops),
  );
}

function statement(
  random: Random,
  index: number,
  functions: number,
  depth: number,
  loops: number,
): Statement {
  const variable = (): number => random.below(VARIABLES);
  const body = (moreLoops: number): Statement[] =>
    statements(random, index, functions, depth + 1, loops + moreLoops, depth < 5 ? 4 : 1);
  const mayNest = depth < 6;
  switch (random.below(14)) {
    case 0:
    case 1:
      if (mayNest) return { kind: 'block', body: body(0) };
      break;
    case 2:
      if (mayNest && loops < MAX_LOOPS)
        return { kind: 'loop', counter: VARIABLES + loops, turns: 1 + random.below(4), body: body(1) };
      break;
    case 3:
      if (mayNest) return { kind: 'if', test: variable(), whenTrue: body(0) };
      break;
    case 4:
      if (mayNest) return { kind: 'if', test: variable(), whenTrue: body(0), whenFalse: body(0) };
      break;
    case 5:
      if (depth > 0) return { kind: 'br', depth: random.below(depth) };
      break;
    case 6:
    case 7:
      if (depth > 0) return { kind: 'br_if', depth: random.below(depth), test: variable() };
      break;
    case 8:
      if (depth > 0) {
        const depths = Array.from({ length: 1 + random.below(4) }, () => random.below(depth));
        return { kind: 'br_table', depths, test: variable() };
      }
      break;
    case 9:
      if (random.below(4) === 0) return { kind: 'return' };
      break;
    case 10:
      if (index + 1 < functions)
        return {
          kind: 'call',
          callee: index + 1 + random.below(functions - index - 1),
          argument: variable(),
        };
      break;
    case 11:
      return { kind: 'fill', length: random.below(200) };
    default:
  }
  return {
    kind: 'set',
    to: variable(),
    left: variable(),
    right: variable(),
    op: random.pick(['+', '-', '^'] as const),
  };
}

export function printProgram(program: Program): string {
  const functions = program.map(
    (
      body,
      i,
    ) => `(func $f${i} ${i === 0 ? '(export "f")' : ''} (param i32) (result i32) (local i32 i32 i32 i32 i32 i32 i32)
      ${print(body, [])} local.get 0)`,
  );
  return `(module (memory 1) ${functions.join('\n')})`;
}

/** `widths` has the number of labels that each enclosing statement takes, innermost first. */
function print(body: readonly Statement[], widths: readonly number[]): string {
  return body.map((statement) => printStatement(statement, widths)).join('\n');
}

function printStatement(s: Statement, widths: readonly number[]): string {
  const label = (depth: number): number => widths.slice(0, depth).reduce((sum, width) => sum + width, 0);
  switch (s.kind) {
    case 'set':
      return `local.get ${s.left} local.get ${s.right} ${OPCODES[s.op]} local.set ${s.to}`;
    case 'block':
      return `block ${print(s.body, [1, ...widths])} end`;
    case 'loop':
      // Its body leaves a block of its own: a branch to the loop's head would pass the counting by.
      return `i32.const ${s.turns} local.set ${s.counter} loop block ${print(s.body, [2, ...widths])} end
        local.get ${s.counter} i32.const 1 i32.sub local.tee ${s.counter} br_if 0 end`;
    case 'if': {
      const arms = [s.whenTrue, ...(s.whenFalse === undefined ? [] : [s.whenFalse])].map((arm) =>
        print(arm, [1, ...widths]),
      );
      return `local.get ${s.test} if ${arms.join(' else ')} end`;
    }
    case 'br':
      return `br ${label(s.depth)}`;
    case 'br_if':
      return `local.get ${s.test} br_if ${label(s.depth)}`;
    case 'br_table':
      return `local.get ${s.test} br_table ${s.depths.map(label).join(' ')}`;
    case 'return':
      return 'local.get 0 return';
    case 'call':
      return `local.get ${s.argument} call $f${s.callee} local.set ${s.argument}`;
    case 'fill':
      return `i32.const 0 i32.const 0 i32.const ${s.length} memory.fill`;
  }
}
