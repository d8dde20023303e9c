import type { Program, Statement } from './random-program.ts';

/** What one statement leads to: the next one, an exit of so many enclosing statements, or a return. */
type Exit = 'next' | 'return' | number;

export class TooLong extends Error {}

/**
 * Walks a program and counts what `docs/fuel.md` says of each executed instruction, one at a time: it knows
 * nothing of runs.
 */
export class ReferenceInterpreter {
  fuel = 0;
  readonly #program: Program;
  readonly #maxFuel: number;

  constructor(program: Program, maxFuel: number) {
    this.#program = program;
    this.#maxFuel = maxFuel;
  }

  call(index: number, argument: number): number {
    const locals = new Int32Array(8);
    locals[0] = argument;
    if (this.#walk(this.#program[index]!, locals) !== 'return') this.#spend(1);
    return locals[0]!;
  }

  #spend(units: number): void {
    this.fuel += units;
    if (this.fuel > this.#maxFuel) throw new TooLong();
  }

  #walk(body: readonly Statement[], locals: Int32Array): Exit {
    for (const statement of body) {
      const exit = this.#execute(statement, locals);
      if (exit !== 'next') return exit;
    }
    return 'next';
  }

  /** The exit of a statement with a label of its own, seen from outside. */
  #walkLabelled(body: readonly Statement[], locals: Int32Array): Exit {
    const exit = this.#walk(body, locals);
    if (typeof exit !== 'number') return exit;
    return exit === 0 ? 'next' : exit - 1;
  }

  #execute(s: Statement, locals: Int32Array): Exit {
    switch (s.kind) {
      case 'set': {
        this.#spend(4);
        const left = locals[s.left]!;
        const right = locals[s.right]!;
        locals[s.to] = s.op === '+' ? left + right : s.op === '-' ? left - right : left ^ right;
        return 'next';
      }
      case 'block':
        return this.#walkLabelled(s.body, locals);
      case 'loop':
        this.#spend(2);
        for (let turn = 0; turn < s.turns; turn++) {
          const exit = this.#walkLabelled(s.body, locals);
          if (exit !== 'next') return exit;
          this.#spend(5);
        }
        return 'next';
      case 'if':
        this.#spend(2);
        return locals[s.test] === 0
          ? this.#walkLabelled(s.whenFalse ?? [], locals)
          : this.#walkLabelled(s.whenTrue, locals);
      case 'br':
        this.#spend(1);
        return s.depth;
      case 'br_if':
        this.#spend(2);
        return locals[s.test] === 0 ? 'next' : s.depth;
      case 'br_table':
        this.#spend(2);
        return s.depths[Math.min(locals[s.test]! >>> 0, s.depths.length - 1)]!;
      case 'return':
        this.#spend(2);
        return 'return';
      case 'call':
        this.#spend(3);
        locals[s.argument] = this.call(s.callee, locals[s.argument]!);
        return 'next';
      case 'fill':
        this.#spend(4 + Math.floor(s.length / 8));
        return 'next';
    }
  }
}
