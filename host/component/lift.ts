/** `canon lift` (CanonicalABI.md): functions of the guest for the host and for other components, in calls that are not async. */
import type { CanonicalFunction, CanonicalOptions, LiftedFunction } from '../model/link-plan.ts';
import type { CoreValue } from './codec.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import type { CoreFn } from './guest-ports.ts';
import { ErrorCase } from './host-function.ts';
import type { BorrowScope } from './resource-handle.ts';

/** A function of the guest, as the host calls it: rejects with what trapped, or with an `ErrorCase`. */
export type GuestFunction = (...args: unknown[]) => Promise<unknown>;

export function liftFunction(link: ComponentLink, lifted: LiftedFunction): GuestFunction {
  const { holder, ports } = link;
  const signature = link.signature(lifted.type);
  const context = link.context(lifted.options);
  const enter = ports.promising(link.coreFunction(lifted.core));
  const postReturn = postReturnOf(link, lifted.options);
  return async (...args) => {
    const state = holder.current;
    const scope: BorrowScope = { borrowCount: 0 };
    context.begin();
    context.scope = scope;
    const returned = await enter(...signature.lowerParameters(context, args));
    if (state.hasEnded) throw new ComponentTrap('the invocation is over');
    context.begin();
    context.lenders = undefined;
    const result = signature.liftResult(context, returned);
    assertReturned(scope);
    postReturn?.(returned);
    return signature.isFallible ? unwrapResult(result) : result;
  };
}

/** A function of one component for another one: values pass as they are, and nobody waits. */
export function adaptFunction(
  caller: ComponentLink,
  callee: ComponentLink,
  { callee: lifted, options }: Extract<CanonicalFunction, { kind: 'adapter' }>,
): CoreFn {
  const outer = caller.signature(lifted.type);
  const inner = callee.signature(lifted.type);
  const outerContext = caller.context(options);
  const innerContext = callee.context(lifted.options);
  const enter = callee.ports.plain(callee.coreFunction(lifted.core));
  const postReturn = postReturnOf(callee, lifted.options);
  return caller.ports.hostCall((...args) => {
    caller.holder.current.leave();
    const scope: BorrowScope = { borrowCount: 0 };
    outerContext.begin();
    outerContext.lenders = undefined;
    const values = outer.liftParameters(outerContext, args as CoreValue[]);
    innerContext.begin();
    innerContext.scope = scope;
    const returned = enter(...inner.lowerParameters(innerContext, values));
    innerContext.begin();
    innerContext.lenders = undefined;
    const result = inner.liftResult(innerContext, returned);
    assertReturned(scope);
    postReturn?.(returned);
    outerContext.begin();
    return outer.lowerResult(outerContext, result, args as CoreValue[]);
  });
}

/** Lets the guest free what its result took; it may not call out meanwhile. */
export function postReturnOf(link: ComponentLink, { postReturn }: CanonicalOptions): CoreFn | undefined {
  if (postReturn === null) return undefined;
  const enter = link.ports.plain(link.coreFunction(postReturn));
  return (returned) => {
    const state = link.holder.current;
    state.mayLeave = false;
    // A function without a result returns undefined, and takes nothing then.
    if (returned === undefined) enter();
    else enter(returned);
    state.mayLeave = true;
  };
}

function assertReturned({ borrowCount }: BorrowScope): void {
  if (borrowCount > 0)
    throw new ComponentTrap(`the guest returned without dropping ${borrowCount} borrowed handles`);
}

interface ResultValue {
  readonly tag: 'ok' | 'err';
  readonly val: unknown;
}

/** What the caller in the host gets: the `err` case is thrown. */
export function unwrapResult(result: unknown): unknown {
  const { tag, val } = result as ResultValue;
  if (tag === 'err') throw new ErrorCase(val);
  return val;
}
