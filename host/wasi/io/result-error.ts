/**
 * The `err` case of a WIT `result<T, E>`: thrown by a host function, turned into the guest's error value by
 * jco's glue, which looks for an own property `payload`. Deliberately no `Error`: every stream ends with one
 * of these, and capturing a stack costs more than the read. A real `Error` without `payload` traps the guest.
 */
export class ResultError<E> {
  readonly payload: E;

  constructor(payload: E) {
    this.payload = payload;
  }
}

/** Broken precondition of a host call: not an `err` value, the guest traps. */
export class HostCallTrap extends Error {
  override readonly name = 'HostCallTrap';
}
