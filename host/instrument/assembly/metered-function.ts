import { CallBounds } from './call-bounds.ts';
import { CodeRecorder } from './code-recorder.ts';
import { CodeUsage } from './code-usage.ts';
import { CountedLoops } from './counted-loop.ts';
import { Cursor } from './cursor.ts';
import { FunctionFlow } from './function-flow.ts';
import { MAX_LOCALS } from './function-reader.ts';
import { LeastCosts } from './least-costs.ts';
import { LocalDeclarations } from './local-declarations.ts';
import { ModuleFacts } from './module-facts.ts';
import { ChargePlacement } from './placement.ts';

/**
 * What metering makes of one function: what it inserts, which stands in `flow`, and how its locals are numbered. Nothing is written
 * here. One object serves all functions of a module.
 */
@final
export class MeteredFunction {
  readonly flow: FunctionFlow;
  readonly leastCosts: LeastCosts;
  readonly locals: LocalDeclarations = new LocalDeclarations();
  /** Its type. */
  type: i32 = 0;
  /** Whether it takes the counter and gives it back. */
  isPassing: bool = false;
  /** Where its code starts. */
  codeStart: i32 = 0;
  /**
   * The locals that metering adds, all behind its own but for a counter that is passed on: one of the type of the first declared
   * one, whose place the counter takes; the counter of one that does not get it from its caller; two for counted loops.
   */
  movesFirst: bool = false;
  declaresCounter: bool = false;
  declaresTurns: bool = false;
  /** The local that counts what is not yet charged, if any insertion uses one. */
  counterLocal: i32 = 0;
  /** The local that makes room for the counter, which is a parameter, and its new number; -1 for none. */
  movedLocal: i32 = -1;
  movedTo: i32 = 0;
  private readonly facts: ModuleFacts;
  private readonly usage: CodeUsage;
  private readonly cursor: Cursor = new Cursor();
  private readonly placement: ChargePlacement;

  constructor(facts: ModuleFacts, usage: CodeUsage, recorder: CodeRecorder, calls: CallBounds) {
    this.facts = facts;
    this.usage = usage;
    const leastCosts = new LeastCosts(recorder, facts);
    const flow = new FunctionFlow(recorder, facts, calls.resolve(), leastCosts);
    this.leastCosts = leastCosts;
    this.flow = flow;
    this.placement = new ChargePlacement(flow, recorder.maxDepth);
  }

  /** Its loops that are charged for many turns at once. */
  get countedLoops(): CountedLoops {
    return this.placement.countedLoops;
  }

  /** The first of the two locals that its counted loops need. */
  get firstTurnsLocal(): i32 {
    return this.movedTo + 1;
  }

  /** Whether there is a `counterLocal`. */
  get hasCounter(): bool {
    return this.isPassing || this.declaresCounter;
  }

  /** The new number of a local. */
  renamed(local: i32): i32 {
    return local === this.movedLocal ? this.movedTo : local;
  }

  /** Takes up the defined function `index` (imported ones not counted), whose body is `[start, end)`. */
  enter(index: i32, start: i32, end: i32): void {
    const facts = this.facts;
    const functionIndex = facts.importedFunctions + index;
    const isPassing = facts.isPassing(functionIndex);
    this.isPassing = isPassing;
    this.cursor.pos = start;
    this.cursor.end = end;
    this.locals.read(this.cursor, this.usage);
    this.codeStart = this.cursor.pos;
    this.type = facts.functionTypes[functionIndex];
    const params = facts.params[this.type];
    const declared = <i32>this.locals.declared;
    const total = params + declared;
    this.movesFirst = isPassing && declared > 0;
    this.movedLocal = this.movesFirst ? params : -1;
    this.movedTo = total;
    this.counterLocal = isPassing ? params : total;
    this.flow.enter(index, functionIndex);
    this.placement.place(total < MAX_LOCALS, isPassing);
    const isFree = this.flow.isFree;
    this.declaresCounter = !isFree && !isPassing && this.placement.usesCounter;
    this.declaresTurns = !isFree && this.countedLoops.count > 0;
  }
}
