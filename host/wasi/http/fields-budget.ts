import type { Ending } from '../ending.ts';

/** Host bytes of one field beside its text: an object, its key, and an entry of an array. */
const FIELD_OVERHEAD_BYTES = 128;
const TOTAL_BYTES = 64 * 1024 * 1024;

/**
 * What the fields and request lines of one invocation may cost in host memory, where no limit of the guest's memory reaches. It
 * only counts up: 64 MiB are 40,000 requests with ten fields each, and giving back would have to follow every
 * message that fields are moved into.
 */
export class FieldsBudget {
  readonly #context: Ending;
  #leftBytes = TOTAL_BYTES;

  private constructor(context: Ending) {
    this.#context = context;
  }

  static of(context: Ending & { fieldsBudget?: FieldsBudget | undefined }): FieldsBudget {
    context.fieldsBudget ??= new FieldsBudget(context);
    return context.fieldsBudget;
  }

  /** Throws what ends the invocation once the budget is used up. */
  charge(fields: number, bytes: number): void {
    this.#take((fields + 1) * FIELD_OVERHEAD_BYTES + bytes);
  }

  /** A part of a request line, of characters that may take two bytes. Throws as `charge` does. */
  chargeText(text: string): void {
    this.#take(text.length * 2);
  }

  #take(bytes: number): void {
    this.#leftBytes -= bytes;
    if (this.#leftBytes < 0) {
      throw this.#context.terminate('function_trapped', `more than ${TOTAL_BYTES} bytes of HTTP fields`);
    }
  }
}
