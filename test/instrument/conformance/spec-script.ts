/**
 * Runs one test script of the WebAssembly specification in two worlds, plain and metered, and compares what each
 * module and each assertion comes to. What the script itself expects is compared as well, so that a comparison of
 * nothing with nothing shows.
 */
import wabt from 'wabt';
import { InstrumentError } from '../../../host/instrument/error.ts';
import { inspectModule } from '../../../host/instrument/inspect.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { assemble, compile } from '../metered.ts';
import { matches, type Result } from './expected-results.ts';
import { headOf, isList, type List, readForms, stringBytes, stringText } from './s-expression.ts';
import { type Outcome, World } from './world.ts';

/** What came of a script; every field but `differences` is what an expectations file holds. */
export interface ScriptReport {
  /** Modules that were instantiated, or refused, in both worlds alike. */
  modules: number;
  /** Assertions with the same outcome in both worlds. */
  assertions: number;
  /** Of those, the ones that the engine itself answers in another way than the script expects. */
  unexpected: number;
  /** Fuel of all that ran; undefined where a stack overflowed, the depth of which the machine decides. */
  fuel: number | undefined;
  /** Left out, by reason. */
  readonly skipped: Record<string, number>;
  /** What metering changed: none, or the rewriter is wrong. */
  readonly differences: string[];
}

type Loaded =
  | { readonly state: 'pair'; readonly plain: WebAssembly.Module; readonly metered: WebAssembly.Module }
  | { readonly state: 'invalid' }
  | { readonly state: 'skipped'; readonly reason: string };

export async function runScript(text: string): Promise<ScriptReport> {
  const run = new ScriptRun(text);
  for (const form of readForms(text)) await run.directive(form);
  return run.finish();
}

function showResult(result: Result): string {
  if ('bits' in result) return result.bits.map(String).join(':');
  const { reference } = result;
  if (typeof reference === 'number' || reference === null) return `ref ${String(reference)}`;
  // Host values carry the number they have in the script; functions and objects differ in each world.
  const name =
    typeof reference === 'object' && Object.hasOwn(reference, 'name')
      ? (reference as { name: string }).name
      : '';
  return `${typeof reference} ${name}`;
}

function show(outcome: Outcome): string {
  return 'kind' in outcome ? outcome.kind : outcome.results.map(showResult).join(', ');
}

class ScriptRun {
  readonly report: ScriptReport = {
    modules: 0,
    assertions: 0,
    unexpected: 0,
    fuel: undefined,
    skipped: {},
    differences: [],
  };
  readonly #text: string;
  readonly #plain = new World(false);
  readonly #metered = new World(true);
  readonly #definitions = new Map<string, Loaded>();
  #hasOverflowed = false;
  #lastDefinition: Loaded | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  finish(): ScriptReport {
    if (!this.#hasOverflowed) this.report.fuel = this.#metered.spent;
    return this.report;
  }

  async directive(form: List): Promise<void> {
    const head = headOf(form) ?? '';
    switch (head) {
      case 'module':
        return this.#module(form);
      case 'register': {
        const [, as, name] = form.items as string[];
        this.#plain.register(stringText(as!), name);
        this.#metered.register(stringText(as!), name);
        return;
      }
      case 'invoke':
      case 'get':
        return this.#assert(form, form, [], () => true);
      case 'assert_return': {
        const [action, ...expected] = form.items.slice(1) as List[];
        return this.#assert(form, action!, expected, (outcome) => returns(outcome, expected));
      }
      case 'assert_trap':
      case 'assert_exhaustion':
      case 'assert_exception': {
        const action = form.items[1] as List;
        if (headOf(action) === 'module') return this.#failsToInstantiate(form, action);
        return this.#assert(form, action, [], (outcome) => isTrapOf(head, outcome));
      }
      case 'assert_unlinkable':
        return this.#failsToInstantiate(form, form.items[1] as List);
      case 'assert_invalid':
      case 'assert_malformed':
        return this.#isRefused(form, form.items[1] as List);
      default:
        this.#skip(`${head} is not run`);
    }
  }

  #skip(reason: string): void {
    this.report.skipped[reason] = (this.report.skipped[reason] ?? 0) + 1;
  }

  #differ(form: List, plain: string, metered: string): void {
    const line = this.#text.slice(0, form.from).split('\n').length;
    this.report.differences.push(`line ${line}, ${headOf(form)}: ${plain} became ${metered}`);
  }

  async #module(form: List): Promise<void> {
    const [, second, third, fourth] = form.items;
    if (second === 'instance') {
      const loaded = typeof fourth === 'string' ? this.#definitions.get(fourth) : this.#lastDefinition;
      return this.#instantiate(
        form,
        loaded ?? { state: 'skipped', reason: 'no such definition' },
        third as string,
      );
    }
    const isDefinition = second === 'definition';
    const next = isDefinition ? third : second;
    const name = typeof next === 'string' && next.startsWith('$') ? next : undefined;
    const loaded = await this.#load(form, form);
    if (!isDefinition) return this.#instantiate(form, loaded, name);
    this.#lastDefinition = loaded;
    if (name !== undefined) this.#definitions.set(name, loaded);
  }

  #instantiate(form: List, loaded: Loaded, name: string | undefined): void {
    if (loaded.state !== 'pair') {
      this.#plain.forget(name);
      this.#metered.forget(name);
      this.#skip(loaded.state === 'skipped' ? loaded.reason : 'not valid for the engine');
      return;
    }
    const plain = this.#plain.instantiate(loaded.plain, name);
    const metered = this.#metered.instantiate(loaded.metered, name);
    this.report.modules++;
    if (plain !== undefined) this.report.unexpected++;
    if (plain !== metered) this.#differ(form, plain ?? 'an instance', metered ?? 'an instance');
  }

  async #assert(
    form: List,
    action: List,
    expected: readonly List[],
    isExpected: (plain: Outcome) => boolean,
  ): Promise<void> {
    const plain = await this.#plain.act(action, expected);
    const metered = await this.#metered.act(action, expected);
    if (plain === undefined || metered === undefined) {
      if (plain !== metered) this.#differ(form, plain === undefined ? 'no instance' : 'one', 'the other');
      return this.#skip('its module was left out');
    }
    if ('kind' in plain && plain.kind.startsWith('TypeError: type incompat'))
      return this.#skip('a vector that no script gives the type of');
    this.report.assertions++;
    if ('kind' in plain && plain.kind.startsWith('RangeError')) this.#hasOverflowed = true;
    if (!isExpected(plain)) this.report.unexpected++;
    if (show(plain) !== show(metered)) this.#differ(form, show(plain), show(metered));
  }

  async #failsToInstantiate(form: List, moduleForm: List): Promise<void> {
    const loaded = await this.#load(form, moduleForm);
    if (loaded.state !== 'pair')
      return this.#skip(loaded.state === 'skipped' ? loaded.reason : 'not valid for the engine');
    const plain = this.#plain.instantiate(loaded.plain, '$left over');
    const metered = this.#metered.instantiate(loaded.metered, '$left over');
    this.report.assertions++;
    if (plain === undefined) this.report.unexpected++;
    if (plain !== metered) this.#differ(form, plain ?? 'an instance', metered ?? 'an instance');
  }

  async #isRefused(form: List, moduleForm: List): Promise<void> {
    const loaded = await this.#load(form, moduleForm);
    if (loaded.state === 'skipped') return this.#skip(loaded.reason);
    this.report.assertions++;
    if (loaded.state === 'pair') this.report.unexpected++;
  }

  /** Assembles and meters a module, and compares what the engine thinks of it before and after. */
  async #load(form: List, moduleForm: List): Promise<Loaded> {
    const bytes = await this.#bytesOf(moduleForm);
    if (bytes === undefined) return { state: 'skipped', reason: 'text that the assembler refuses' };
    let plain: WebAssembly.Module | undefined;
    try {
      plain = compile(bytes);
    } catch {}
    try {
      inspectModule(bytes);
      const metered = compile(instrument(bytes).bytes);
      if (plain !== undefined) return { state: 'pair', plain, metered };
      this.#differ(form, 'an invalid module', 'a valid one');
    } catch (error) {
      if (error instanceof InstrumentError && error.code !== 'malformed')
        return {
          state: 'skipped',
          reason: `refused: ${error.message.replace(/ \(at byte.*/, '').replace(/\d+/g, 'n')}`,
        };
      if (plain !== undefined || !(error instanceof InstrumentError))
        this.#differ(form, plain === undefined ? 'an invalid module' : 'a valid module', String(error));
    }
    return { state: 'invalid' };
  }

  async #bytesOf({ items, from, to }: List): Promise<Uint8Array | undefined> {
    const at = items.findIndex((item) => item === 'binary' || item === 'quote');
    const isScriptForm = at > 0 && at < 4 && items.slice(0, at).every((item) => !isList(item));
    if (isScriptForm) {
      const content = Buffer.concat((items.slice(at + 1) as string[]).map(stringBytes));
      if (items[at] === 'binary') return new Uint8Array(content);
      const text = new TextDecoder().decode(content);
      return assembled(text.includes('(module') ? text : `(module ${text})`);
    }
    const text = this.#text.slice(from, to);
    const definition = items[1] === 'definition' ? text.replace('definition', '') : text;
    return (await assembled(definition)) ?? (await assembledByWabt(definition));
  }
}

async function assembled(text: string): Promise<Uint8Array | undefined> {
  try {
    return await assemble(text);
  } catch {
    return undefined;
  }
}

/** wasm-tools knows every proposal; wabt knows the older exceptions in their folded form, which it does not. */
async function assembledByWabt(text: string): Promise<Uint8Array | undefined> {
  const { parseWat } = await wabt();
  try {
    return parseWat('module.wat', text, { exceptions: true, tail_call: true }).toBinary({}).buffer;
  } catch {
    return undefined;
  }
}

function returns(outcome: Outcome, expected: readonly List[]): boolean {
  if ('kind' in outcome) return false;
  return (
    outcome.results.length === expected.length &&
    outcome.results.every((result, i) => matches(result, expected[i]!))
  );
}

function isTrapOf(assertion: string, outcome: Outcome): boolean {
  if (!('kind' in outcome)) return false;
  if (assertion === 'assert_exhaustion') return outcome.kind.startsWith('RangeError');
  if (assertion === 'assert_exception') return outcome.kind === 'exception';
  return outcome.kind.startsWith('RuntimeError');
}
