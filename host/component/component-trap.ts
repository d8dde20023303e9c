/**
 * A rule of the canonical ABI that a guest broke (CanonicalABI.md, `trap`): its instance is lost. Never a fault of the
 * host; `instance/trap.ts` reports it as `function_trapped`.
 */
export class ComponentTrap extends Error {
  override readonly name = 'ComponentTrap';
}

/** CanonicalABI.md, `trap_if`. */
export function trapIf(isBroken: boolean, rule: string): asserts isBroken is false {
  if (isBroken) throw new ComponentTrap(rule);
}
