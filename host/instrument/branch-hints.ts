import { SECTION } from './sections.ts';
import { ByteSink } from './writer.ts';

const NAME = Buffer.from('metadata.code.branch_hint');
const UNLIKELY = [1, 0];

/**
 * Collects which branches are unlikely, and writes the section that says so (branch hinting proposal,
 * appendix on code metadata). Without it V8 keeps nothing in registers across a check, since the call on its
 * far side could be the common way: the short loops of a hash were half as fast.
 */
export class BranchHints {
  readonly #functions = new ByteSink(1_024);
  readonly #hints = new ByteSink(256);
  #functionCount = 0;
  #hintCount = 0;
  #function = -1;
  #bodyAt = 0;

  /** The function whose branches follow; its body, locals included, starts at `bodyAt`. */
  enter(functionIndex: number, bodyAt: number): void {
    this.#flush();
    this.#function = functionIndex;
    this.#bodyAt = bodyAt;
  }

  /** The `if` at `at` is seldom taken. */
  unlikely(at: number): void {
    this.#hintCount++;
    this.#hints.u32(at - this.#bodyAt);
    this.#hints.list(UNLIKELY);
  }

  /** The whole section; empty if there is nothing to say. */
  section(): Uint8Array<ArrayBuffer> {
    this.#flush();
    if (this.#functionCount === 0) return new Uint8Array();
    const sink = new ByteSink(this.#functions.length + 64);
    sink.u8(SECTION.custom);
    sink.sized(this.#functions.length + 64, () => {
      sink.u32(NAME.length);
      sink.copy(NAME, 0, NAME.length);
      sink.u32(this.#functionCount);
      sink.append(this.#functions);
    });
    return sink.written();
  }

  #flush(): void {
    if (this.#hintCount === 0) return;
    this.#functionCount++;
    this.#functions.u32(this.#function);
    this.#functions.u32(this.#hintCount);
    this.#functions.append(this.#hints);
    this.#hintCount = 0;
    this.#hints.clear();
  }
}
