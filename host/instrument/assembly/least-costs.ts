import { CHECK_INTERVAL } from '../cost-model.ts';
import { Bytes, Ints } from './arrays.ts';
import { CodeRecorder } from './code-recorder.ts';
import { LAST_EVENT, RecordKind } from './code-records.ts';
import { BODY } from './flow.ts';
import { ModuleFacts } from './module-facts.ts';
import { ARGUMENT_SHIFT, COST_SHIFT, KIND_BITS, KIND_MASK, MAX_RECORD_COST } from './record-layout.ts';

const UNKNOWN = -1;
/** Nothing that is paid ahead is left. Where control does not come, too. */
const PAID_UP = 0x3fffffff;
/**
 * What is looked at of a function, in steps: most that are short are seen whole. An event is one, what adds to it or is done to its
 * instruction more: which these are is part of what fuel is, since callers pay by what is found.
 */
const MAX_STEPS = 64;
const MORE_STEPS = 2;
const EDIT_STEPS = 4;
const MAX_COST: i32 = CHECK_INTERVAL / 2;
const MAX_DEPTH = 16;
/** Of a block, as bits. */
const IF = 1;
/** Something relies on the least that came to its end, or its head. */
const RELIED_ON = 2;
const LOOP = 4;

/**
 * What each function that takes the counter is certain to cost, on whatever way, up to where it is charged first. Its callers
 * pay that together with what they are charged for themselves, so that a function's shortest way adds nothing.
 *
 * In the function this much has been paid ahead. It is followed along the ways of control as placement.ts will do it: behind a
 * branch that may go on, no more is pending than at its label. It must have been used up wherever something is charged
 * (a call, an exit), and where a label turns out to be owed less than something relied on before.
 */
@final
export class LeastCosts {
  private readonly recorder: CodeRecorder;
  private readonly facts: ModuleFacts;
  /** By function, UNKNOWN where it was not asked for. */
  private readonly known: Ints;
  /** Of each block around: its label; the least that came there; of an `if`, at its test, and to its end from its first arm. */
  private readonly labels: Ints = Ints.of(MAX_DEPTH + 1);
  private readonly least: Ints = Ints.of(MAX_DEPTH + 1);
  private readonly atTest: Ints = Ints.of(MAX_DEPTH + 1);
  private readonly ofArm: Ints = Ints.of(MAX_DEPTH + 1);
  private readonly kinds: Bytes = Bytes.of(MAX_DEPTH + 1);
  private depth: i32 = 0;
  /** The label of the next block that opens. */
  private nextLabel: i32 = 0;
  private result: i32 = 0;

  constructor(recorder: CodeRecorder, facts: ModuleFacts) {
    this.recorder = recorder;
    this.facts = facts;
    this.known = Ints.of(facts.functions);
    this.known.fill(UNKNOWN);
  }

  /** Of the function of that index, imported ones counted. */
  of(functionIndex: i32): i32 {
    const known = this.known[functionIndex];
    if (known !== UNKNOWN) return known;
    const isPassing = this.facts.isPassing(functionIndex);
    const found = isPassing ? this.find(functionIndex - this.facts.importedFunctions) : 0;
    this.known[functionIndex] = found;
    return found;
  }

  private find(index: i32): i32 {
    const words = this.recorder.words;
    const to = this.recorder.starts[index + 1];
    this.depth = -1;
    this.nextLabel = BODY;
    this.result = PAID_UP;
    this.open(0);
    /** The least that has been executed here with nothing charged. */
    let cost = 0;
    let total = 0;
    /** Of the next event, what its own record has no room for. */
    let more = 0;
    let steps = 0;
    for (let i = this.recorder.starts[index]; i < to && steps < MAX_STEPS; i++, steps++) {
      const word = words[i];
      const kind = word & KIND_MASK;
      if (kind > LAST_EVENT) {
        if (kind === RecordKind.MoreCost) {
          more += word >>> KIND_BITS;
          steps += MORE_STEPS - 1;
        } else if (kind === RecordKind.MoreDistance) steps += MORE_STEPS - 1;
        else if (kind === RecordKind.MoreArgument) steps--;
        else if (kind === RecordKind.Edit) {
          i++;
          steps += EDIT_STEPS - 1;
        } else if (kind === RecordKind.Block && !this.open(0)) return this.cut(cost);
        continue;
      }
      const own = more + ((word >>> COST_SHIFT) & MAX_RECORD_COST);
      more = 0;
      total += own;
      if (total > MAX_COST) return this.cut(cost);
      cost = min(PAID_UP, cost + own);
      switch (kind) {
        case RecordKind.Entry:
        case RecordKind.Point:
          break;
        case RecordKind.Loop:
          if (!this.open(LOOP | RELIED_ON)) return this.cut(cost);
          this.least[this.depth] = cost;
          break;
        case RecordKind.If:
          if (!this.open(IF | RELIED_ON)) return this.cut(cost);
          this.least[this.depth] = cost;
          this.atTest[this.depth] = cost;
          this.ofArm[this.depth] = PAID_UP;
          break;
        case RecordKind.Else: {
          const at = this.depth;
          this.arrive(at, cost);
          this.kinds[at] &= ~IF;
          this.least[at] = this.ofArm[at];
          cost = this.atTest[at];
          break;
        }
        case RecordKind.End: {
          const at = this.depth;
          if (at === 0) {
            this.charge(cost);
            return this.bounded();
          }
          this.depth--;
          if ((this.kinds[at] & LOOP) !== 0) break;
          this.arrive(at, cost);
          cost = this.least[at];
          break;
        }
        case RecordKind.Branch:
        case RecordKind.BranchIf:
        case RecordKind.PayingBranch: {
          const at = this.depthOf(word >>> ARGUMENT_SHIFT);
          if (at === 0) {
            this.charge(cost);
            cost = PAID_UP;
            break;
          }
          this.arrive(at, cost);
          if (kind === RecordKind.Branch) {
            cost = PAID_UP;
            break;
          }
          this.kinds[at] |= RELIED_ON;
          cost = this.least[at];
          break;
        }
        case RecordKind.Leave:
        case RecordKind.Trap:
        case RecordKind.Throw:
        case RecordKind.Call:
        case RecordKind.DirectCall:
        case RecordKind.TailCall:
          this.charge(cost);
          if (this.isFinal()) return this.bounded();
          cost = PAID_UP;
          break;
        default:
          // `br_table`, handlers and casts.
          return this.cut(cost);
      }
    }
    return this.cut(cost);
  }

  /** Whether no way that is still open costs less so far than what was found: it can only cost more further on. */
  private isFinal(): bool {
    for (let at = this.depth; at > 0; at--) {
      if (this.least[at] < this.result) return false;
      if ((this.kinds[at] & IF) !== 0 && this.atTest[at] < this.result) return false;
    }
    return true;
  }

  /** What was found, where no more is looked at with `cost` pending: the rest may charge at once. */
  private cut(cost: i32): i32 {
    this.charge(cost);
    for (let at = 1; at <= this.depth; at++) this.charge(this.least[at]);
    return this.bounded();
  }

  private bounded(): i32 {
    return this.result === PAID_UP ? 0 : this.result;
  }

  /** False if blocks nest too deeply. */
  private open(kind: i32): bool {
    if (this.depth === MAX_DEPTH) return false;
    const at = ++this.depth;
    this.labels[at] = this.nextLabel++;
    this.least[at] = PAID_UP;
    this.kinds[at] = kind;
    return true;
  }

  /** Of an open block, by its label: how many are around it. */
  private depthOf(label: i32): i32 {
    let at = this.depth;
    while (this.labels[at] !== label) at--;
    return at;
  }

  /** Something is charged here, so that no more can have been paid ahead. */
  private charge(cost: i32): void {
    if (cost < this.result) this.result = cost;
  }

  private arrive(at: i32, cost: i32): void {
    if (cost < this.ofArm[at]) this.ofArm[at] = cost;
    if (cost >= this.least[at]) return;
    if ((this.kinds[at] & RELIED_ON) !== 0) this.charge(cost);
    this.least[at] = cost;
  }
}
