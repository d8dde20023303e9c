/** `canon lower` and `resource.drop` (CanonicalABI.md): functions of the host for core code, in calls that are not async. */
import { kindOf } from '../model/host-call-kind.ts';
import type { CanonicalFunction } from '../model/link-plan.ts';
import type { CoreValue } from './codec.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import type { CoreFn } from './guest-ports.ts';
import { type HostFunction, isErrorCase } from './host-function.ts';
import { Lenders, ResourceHandle } from './resource-handle.ts';

const NO_VALUES: readonly unknown[] = [];

type Lowered = Extract<CanonicalFunction, { kind: 'lower' }>;

/** Gives a core import: a function, or a `WebAssembly.Suspending` where the guest may wait in it. */
export function lowerFunction(link: ComponentLink, lowered: Lowered): unknown {
  const { holder, ports } = link;
  const signature = link.signature(lowered.type);
  const context = link.context(lowered.options);
  const call = link.hostFunction(lowered);
  const run: HostFunction = signature.isFallible ? fallible(call) : call;
  const { borrows, moves } = signature;
  const kind = kindOf(lowered.interface);
  if (lowered.mayWait) return link.waitingHostCall(lowerWaiting, kind);
  const lower = lowered.type.parameters.length === 0 ? signature.result?.lower : undefined;
  if (lower !== undefined) {
    // Nothing of the guest's memory or handles takes part: a clock is asked eighteen times for a hello of StarlingMonkey.
    return ports.hostValue(() => {
      holder.current.leave();
      return lower(call(NO_VALUES));
    }, kind);
  }
  return ports.hostCall(borrows && moves ? lowerLending : lowerAtOnce, kind);

  function lowerAtOnce(...args: unknown[]): unknown {
    holder.current.leave();
    context.begin();
    context.lenders = undefined;
    const result = run(signature.liftParameters(context, args as CoreValue[]));
    context.begin();
    return signature.lowerResult(context, result, args as CoreValue[]);
  }

  /** What is lent in a call cannot be given away in the same one. */
  function lowerLending(...args: unknown[]): unknown {
    holder.current.leave();
    context.begin();
    const lenders = new Lenders();
    context.lenders = lenders;
    const values = signature.liftParameters(context, args as CoreValue[]);
    const result = run(values);
    lenders.release();
    context.begin();
    return signature.lowerResult(context, result, args as CoreValue[]);
  }

  function lowerWaiting(...args: unknown[]): unknown {
    const state = holder.current;
    state.leave();
    context.begin();
    const lenders = borrows ? new Lenders() : undefined;
    context.lenders = lenders;
    const returned = run(signature.liftParameters(context, args as CoreValue[]));
    const finish = (result: unknown): unknown => {
      lenders?.release();
      context.begin();
      return signature.lowerResult(context, result, args as CoreValue[]);
    };
    if (!(returned instanceof Promise)) return finish(returned);
    // It may call the allocator: not while another stack is parked for its fuel, nor in another invocation's memory.
    return returned.then((result) => state.giveWhenEnterable(() => finish(result)));
  }
}

/** Catches the `err` case, whose type is the function's own. */
export function fallible(call: HostFunction): HostFunction {
  return (values) => {
    try {
      const returned = call(values);
      return returned instanceof Promise ? returned.then(ok, err) : ok(returned);
    } catch (error) {
      return err(error);
    }
  };
}

function ok(val: unknown): unknown {
  return { tag: 'ok', val };
}

function err(error: unknown): unknown {
  if (isErrorCase(error)) return { tag: 'err', val: error.payload };
  throw error;
}

/** `canon resource.drop` */
export function dropResource(
  { holder, ports }: ComponentLink,
  { resource }: Extract<CanonicalFunction, { kind: 'resource.drop' }>,
): CoreFn {
  return ports.hostCall((index) => {
    const state = holder.current;
    state.leave();
    const handle = state.table.get(index as number, ResourceHandle);
    if (handle.resource !== resource) throw new ComponentTrap(`handle ${index} is of another resource`);
    if (handle.lendCount !== 0) throw new ComponentTrap('a handle that is lent cannot be dropped');
    state.table.remove(index as number);
    if (handle.scope !== undefined) handle.scope.borrowCount--;
    else (handle.object as Partial<Disposable>)[Symbol.dispose]?.();
  });
}
