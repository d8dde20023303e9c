/**
 * The cases of a fuzzing run. A case is a number: with the run's seed it says everything, so that a failure is
 * repeated from the two.
 */
import { readFileSync } from 'node:fs';
import { InstrumentError } from '../../../host/instrument/error.ts';
import { inspectModule } from '../../../host/instrument/inspect.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { headOf, readForms } from '../conformance/s-expression.ts';
import { assemble, compile, isValid } from '../metered.ts';
import { Random } from '../random.ts';
import { MAX_EXCESS, randomControlFlow } from './control-flow.ts';
import { type Comparison, compareModule, Difference } from './differential.ts';
import { mutate } from './mutate.ts';
import { EVERYTHING, INTERPRETED, WasmOpt } from './wasm-opt.ts';

export type CaseKind = 'mutated' | 'interpreted' | 'generated' | 'control';

export interface CaseResult {
  readonly kind: CaseKind;
  /** Whether metering took the module. */
  readonly isAccepted: boolean;
  readonly comparison?: Comparison | undefined;
}

/** A case that must not be; `module` repeats it. */
export class CaseFailure extends Error {
  readonly module: Uint8Array;

  constructor(what: string, module: Uint8Array) {
    super(what);
    this.module = module;
  }
}

const CORPUS_FROM_BINARYEN = 12;
/** Of a thousand cases, how many are modules that binaryen makes: each takes as long as hundreds of mutations. */
const INTERPRETED_PERMILLE = 4;
const GENERATED_PERMILLE = 2;
/** The same of random control flow. */
const CONTROL_PERMILLE = 50;
/** Processor time that a case of a few kilobytes may take in the rewriter. The slowest seen took 40 ms. */
const MAX_MS = 2_000;

function randomOf(seed: number, index: number): Random {
  // Neighbours would share too many bits.
  return new Random(Math.imul(seed + index * 7919, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b));
}

export class Cases implements Disposable {
  readonly #seed: number;
  readonly #wasmOpt: WasmOpt;
  #corpus: Uint8Array[] = [];

  /** `folder` is for files in passing. */
  constructor(seed: number, folder: string) {
    this.#seed = seed;
    this.#wasmOpt = new WasmOpt(folder);
  }

  /** The modules that mutations start from. */
  async prepare(): Promise<void> {
    const script = readFileSync(new URL('../conformance/instructions.wast', import.meta.url), 'utf8');
    for (const form of readForms(script)) {
      if (headOf(form) === 'module') this.#corpus.push(await assemble(script.slice(form.from, form.to)));
    }
    for (let i = 0; i < CORPUS_FROM_BINARYEN; i++) {
      const made = await this.#translate(
        randomOf(this.#seed, -1 - i),
        i % 2 === 0 ? INTERPRETED : EVERYTHING,
        1_500,
      );
      if (made !== undefined) this.#corpus.push(made);
    }
  }

  /** Throws `CaseFailure`. */
  async run(index: number): Promise<CaseResult> {
    const random = randomOf(this.#seed, index);
    const lot = random.below(1_000);
    if (lot < INTERPRETED_PERMILLE) return this.#generated('interpreted', random, INTERPRETED);
    if (lot < INTERPRETED_PERMILLE + GENERATED_PERMILLE)
      return this.#generated('generated', random, EVERYTHING);
    if (lot < INTERPRETED_PERMILLE + GENERATED_PERMILLE + CONTROL_PERMILLE) {
      const module = await assemble(randomControlFlow(random));
      const comparison = await compare(module, random);
      if (comparison!.excess > MAX_EXCESS)
        throw new CaseFailure(`${comparison!.excess} units beyond the budget`, module);
      return { kind: 'control', isAccepted: true, comparison };
    }
    return this.#mutated(random);
  }

  [Symbol.dispose](): void {
    this.#wasmOpt[Symbol.dispose]();
  }

  async #translate(
    random: Random,
    features: readonly string[],
    length: number,
  ): Promise<Uint8Array | undefined> {
    const seed = Uint8Array.from({ length }, () => random.below(256));
    const module = await this.#wasmOpt.translate(seed, features);
    return module !== undefined && isValid(module) ? module : undefined;
  }

  async #generated(kind: CaseKind, random: Random, features: readonly string[]): Promise<CaseResult> {
    const module = await this.#translate(random, features, 200 + random.below(8_000));
    if (module === undefined) return { kind, isAccepted: false };
    return { kind, isAccepted: true, comparison: await compare(module, random) };
  }

  async #mutated(random: Random): Promise<CaseResult> {
    const module = mutate(random.pick(this.#corpus), random.pick(this.#corpus), random);
    if (!checkRewriter(module)) return { kind: 'mutated', isAccepted: false };
    return { kind: 'mutated', isAccepted: true, comparison: await compare(module, random) };
  }
}

async function compare(module: Uint8Array, random: Random): Promise<Comparison | undefined> {
  try {
    return await compareModule(module, random);
  } catch (error) {
    if (error instanceof Difference) throw new CaseFailure(error.message, module);
    throw new CaseFailure(`the comparison failed: ${firstLines(error)}`, module);
  }
}

function firstLines(error: unknown): string {
  return String((error as Error).stack)
    .split('\n')
    .slice(0, 4)
    .join('\n');
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/**
 * Whether the rewriter takes it. It either refuses with its own error or gives what the engine compiles, in time,
 * and it does not call malformed what the engine finds valid.
 */
function checkRewriter(module: Uint8Array): boolean {
  const startedAt = cpuMs();
  let metered: Uint8Array | undefined;
  try {
    inspectModule(module);
    metered = instrument(module).bytes;
  } catch (error) {
    if (!(error instanceof InstrumentError)) throw new CaseFailure(firstLines(error), module);
    if (error.code === 'malformed' && isValid(module))
      throw new CaseFailure(`valid, but ${error.message}`, module);
  }
  const ms = cpuMs() - startedAt;
  if (ms > MAX_MS) throw new CaseFailure(`${module.length} bytes took ${ms.toFixed()} ms`, module);
  if (metered === undefined) return false;
  try {
    compile(metered);
  } catch (error) {
    throw new CaseFailure(`metered, it is not valid: ${(error as Error).message}`, module);
  }
  return true;
}
