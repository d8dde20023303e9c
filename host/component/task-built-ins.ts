/** Built-ins about tasks and subtasks (CanonicalABI.md): `task.return` to `subtask.drop`. */
import type { CanonicalFunction } from '../model/link-plan.ts';
import type { CoreValue } from './codec.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import type { CoreFn } from './guest-ports.ts';
import type { InstanceState } from './instance-state.ts';
import { SUBTASK_STATE, Subtask } from './subtask.ts';
import type { Task } from './task.ts';
import { BLOCKED } from './waitable.ts';

/** CanonicalABI.md, `MAX_FLAT_PARAMS`: results are the parameters of `task.return`. */
const MAX_FLAT_RESULTS = 16;
const MAX_BACKPRESSURE = 2 ** 16;

function asyncTask(state: InstanceState): Task {
  state.leave();
  const task = state.currentTask;
  if (task === undefined || !task.kind.isAsync) throw new ComponentTrap('no asynchronous task is running');
  return task;
}

export function taskReturn(
  link: ComponentLink,
  { result, options }: Extract<CanonicalFunction, { kind: 'task.return' }>,
): CoreFn {
  const { holder, ports } = link;
  const context = link.context(options);
  const codec = link.codecs.optional(result);
  const isInMemory = codec !== undefined && codec.flat.length > MAX_FLAT_RESULTS;
  return ports.hostCall((...args) => {
    const task = asyncTask(holder.current);
    const { context: own, result: expected } = task.kind;
    if (expected !== codec) throw new ComponentTrap('the task returns another type');
    // A result that is flat needs neither: toolchains leave them out then.
    if (context.memory !== undefined && context.memory !== own.memory)
      throw new ComponentTrap('the task returns from another memory');
    if (context.encoding !== own.encoding) throw new ComponentTrap('the task returns in another encoding');
    context.begin();
    context.lenders = undefined;
    task.return(lift(args as CoreValue[]));
  });

  function lift(args: readonly CoreValue[]): unknown {
    if (codec === undefined) return undefined;
    if (!isInMemory) return codec.liftFlat(context, args, 0);
    const pointer = (args[0] as number) >>> 0;
    context.checkRange(pointer, codec.alignment, codec.size);
    return codec.load(context, pointer);
  }
}

/** The host cancels no task, so there is nothing that the guest could confirm. */
export function taskCancel({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall(() => {
    asyncTask(holder.current);
    throw new ComponentTrap('the task was not asked to cancel itself');
  });
}

export function contextGet({ holder, ports }: ComponentLink, { slot }: { readonly slot: number }): CoreFn {
  return ports.hostCall(() => holder.current.storage[slot as 0 | 1]);
}

export function contextSet({ holder, ports }: ComponentLink, { slot }: { readonly slot: number }): CoreFn {
  return ports.hostCall((value) => {
    holder.current.storage[slot as 0 | 1] = value as number;
  });
}

export function backpressure({ holder, ports }: ComponentLink, kind: 'set' | 'inc' | 'dec'): CoreFn {
  return ports.hostCall((enabled) => {
    const state = holder.current;
    const count = kind === 'set' ? Number(enabled !== 0) : state.backpressure + (kind === 'inc' ? 1 : -1);
    if (count < 0 || count >= MAX_BACKPRESSURE) throw new ComponentTrap('backpressure is out of range');
    state.backpressure = count;
    if (count === 0) state.stacks.changed();
  });
}

export function threadYield(link: ComponentLink): unknown {
  return link.waitingHostCall(() => {
    const state = link.holder.current;
    state.leave();
    return state.stacks.waitFor(
      () => true,
      () => 0,
    );
  });
}

/** A call of the host ends for the guest at once; what comes of it later is let go. */
export function subtaskCancel(link: ComponentLink, { isAsync }: { readonly isAsync: boolean }): CoreFn {
  return link.ports.hostCall((index) => {
    const state = link.holder.current;
    state.leave();
    const subtask = state.table.get(index as number, Subtask);
    if (subtask.isDelivered) throw new ComponentTrap('a subtask that has returned is cancelled');
    if (subtask.isCancelRequested) throw new ComponentTrap('a subtask is cancelled twice');
    if (subtask.isInSet && !isAsync) throw new ComponentTrap('a call waits for what is in a waitable set');
    subtask.isCancelRequested = true;
    if (!subtask.isResolved) subtask.resolve(SUBTASK_STATE.cancelledBeforeReturned);
    return subtask.hasEvent ? subtask.takeEvent()[2] : BLOCKED;
  });
}

export function subtaskDrop({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall((index) => {
    const state = holder.current;
    state.leave();
    const subtask = state.table.get(index as number, Subtask);
    state.table.remove(index as number);
    subtask.drop();
  });
}
