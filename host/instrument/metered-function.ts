import type { CountedLoop } from './counted-loop.ts';
import type { FeatureSet } from './features.ts';
import { FunctionFlow } from './function-flow.ts';
import { type FunctionReader, MAX_LOCALS } from './function-reader.ts';
import { LeastCosts } from './least-costs.ts';
import { type LocalDeclarations, NO_LOCALS, readLocals } from './local-declarations.ts';
import type { ByteRange, ModuleLayout } from './module-layout.ts';
import { ChargePlacement } from './placement.ts';
import { Cursor } from './reader.ts';

/** The locals that metering adds to a function, all behind its own but for a counter that is passed on. */
export interface AddedLocals {
  /** One of the type of the first declared one, whose place the counter takes. */
  readonly movesFirst: boolean;
  /** The counter of one that does not get it from its caller. */
  readonly declaresCounter: boolean;
  /** Two for counted loops. */
  readonly declaresTurns: boolean;
}

const NO_LOCALS_ADDED: AddedLocals = { movesFirst: false, declaresCounter: false, declaresTurns: false };

/**
 * What metering makes of one function: what it inserts, which stands in `flow`, and how its locals are numbered. Nothing is written
 * here. One object serves all functions of a module.
 */
export class MeteredFunction {
  readonly flow: FunctionFlow;
  readonly leastCosts: LeastCosts;
  /** Whether it takes the counter and gives it back. */
  isPassing = false;
  locals: LocalDeclarations = NO_LOCALS;
  added: AddedLocals = NO_LOCALS_ADDED;
  /** Where its code starts. */
  codeStart = 0;
  /** Encoding of its result's type, if it has one. */
  result: ByteRange = { from: 0, to: 0 };
  /** The local that counts what is not yet charged, if any insertion uses one. */
  counterLocal = 0;
  /** The local that makes room for the counter, which is a parameter, and its new number; -1 for none. */
  movedLocal = -1;
  movedTo = 0;
  readonly #layout: ModuleLayout;
  readonly #features: FeatureSet;
  readonly #passing: Uint8Array;
  readonly #cursor: Cursor;
  readonly #placement: ChargePlacement;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    features: FeatureSet,
    functions: FunctionReader,
    passing: Uint8Array,
  ) {
    const { recorder, calls } = functions;
    this.#layout = layout;
    this.#features = features;
    this.#passing = passing;
    this.#cursor = new Cursor(bytes);
    this.leastCosts = new LeastCosts(bytes, recorder, passing, layout.importedFunctions);
    this.flow = new FunctionFlow(recorder, passing, calls.resolve(passing), this.leastCosts);
    this.#placement = new ChargePlacement(bytes, this.flow, recorder.maxDepth);
  }

  /** Its loops that are charged for many turns at once. */
  get countedLoops(): readonly CountedLoop[] {
    return this.#placement.countedLoops;
  }

  /** The first of the two locals that its counted loops need. */
  get firstTurnsLocal(): number {
    return this.movedTo + 1;
  }

  /** Whether there is a `counterLocal`. */
  get hasCounter(): boolean {
    return this.isPassing || this.added.declaresCounter;
  }

  /** The new number of a local. */
  renamed(local: number): number {
    return local === this.movedLocal ? this.movedTo : local;
  }

  /** Takes up the defined function `index` (imported ones not counted), whose body is `[start, end)`. */
  enter(index: number, start: number, end: number): void {
    const functionIndex = this.#layout.importedFunctions + index;
    const isPassing = this.#passing[functionIndex] === 1;
    this.isPassing = isPassing;
    this.#cursor.pos = start;
    this.#cursor.end = end;
    this.locals = readLocals(this.#cursor, this.#features);
    this.codeStart = this.#cursor.pos;
    const { params, resultTypes } = this.#layout.types[this.#layout.functionTypes[functionIndex]!]!;
    const { declared } = this.locals;
    const total = params + declared;
    this.result = resultTypes;
    this.movedLocal = isPassing && declared > 0 ? params : -1;
    this.movedTo = total;
    this.counterLocal = isPassing ? params : total;
    this.flow.enter(index, functionIndex);
    this.#placement.place(total < MAX_LOCALS, isPassing);
    const movesFirst = this.movedLocal >= 0;
    if (this.flow.isFree) {
      this.added = { ...NO_LOCALS_ADDED, movesFirst };
      return;
    }
    this.added = {
      movesFirst,
      declaresCounter: !isPassing && this.#placement.usesCounter,
      declaresTurns: this.countedLoops.length > 0,
    };
  }
}
