/**
 * Whether the code runs inside an invocation. A component is pre-initialised when it is built: the module's top
 * level runs once, on the author's machine, and every invocation starts from its memory. No host is there yet.
 */
let isServing = false;

export function startServing(): void {
  isServing = true;
}

export function serving(): boolean {
  return isServing;
}

/** Throws where `what` is used at the top level of a module. */
export function requireServing(what: string): void {
  if (isServing) return;
  throw new Error(
    `${what} is not available while the module initialises, which happens when it is built: use it inside the handler`,
  );
}
