import { ELEMENT_BYTES, LENGTH_BYTES } from '../component/canonical-context.ts';
import { ComponentTrap } from '../component/component-trap.ts';
import { LIFTED_BYTES_PER_CALL } from '../limits/limits.ts';

/**
 * Host memory that calls through jco's glue take, by what the glue says it is about to read or write (compiler/glue-script.ts): bounded as on
 * our own road, for each call and for all that have not returned.
 */
export class LiftedBytes {
  #ofCall = 0;
  #held = 0;

  /** A call of the host begins. */
  begin(): void {
    this.#ofCall = 0;
  }

  /** Bytes or numbers. @throws {ComponentTrap} if the call has more than it may */
  addLength(length: number): void {
    this.#add(length + LENGTH_BYTES);
  }

  /** Other things. @throws {ComponentTrap} if the call has more than it may */
  addElements(count: number): void {
    this.#add(count * ELEMENT_BYTES);
  }

  /**
   * Makes a call for which the guest may not wait: such calls together hold no more than one may.
   * @param call reads its arguments before it gives its promise, which rejects with a {@link ComponentTrap} if they are too many
   */
  async hold<T>(call: () => Promise<T>): Promise<T> {
    this.#ofCall = this.#held;
    const returned = call();
    const bytes = this.#ofCall - this.#held;
    this.#held += bytes;
    try {
      return await returned;
    } finally {
      this.#held -= bytes;
    }
  }

  #add(bytes: number): void {
    this.#ofCall += bytes;
    if (this.#ofCall > LIFTED_BYTES_PER_CALL)
      throw new ComponentTrap(
        `more than ${LIFTED_BYTES_PER_CALL} bytes are passed in one call, with those of calls that have not returned`,
      );
  }
}
