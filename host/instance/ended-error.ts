/** Thrown at whoever calls a guest which has ended, and at a guest that has; nobody waits for what it would do. */
export class EndedError extends Error {
  override readonly name = 'EndedError';
}

/** For whoever needs one only if somebody is there to hear it. */
export function endedError(): EndedError {
  return new EndedError();
}
