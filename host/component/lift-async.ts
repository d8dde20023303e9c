/**
 * `canon lift` of asynchronous functions (CanonicalABI.md, `canon_lift`): with a callback, with a stack of its own, or
 * lifted like any other function of which only the type is async.
 *
 * How a call costs little: entering the guest is one promise (JSPI), the end of its first run a second one. A task that
 * waits for an event costs a microtask more, and no timer.
 */
import type { LiftedFunction } from '../model/link-plan.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import type { InstanceState } from './instance-state.ts';
import { type GuestFunction, postReturnOf, unwrapResult } from './lift.ts';
import { Task, type TaskKind } from './task.ts';
import { NO_EVENT, type WaitableEvent, WaitableSet } from './waitable.ts';

/** CanonicalABI.md, `CallbackCode`. */
const CALLBACK = { exit: 0, yield: 1, wait: 2 } as const;

type Enter = (...args: unknown[]) => Promise<unknown>;

export function liftAsync(link: ComponentLink, lifted: LiftedFunction): GuestFunction {
  const { holder, ports } = link;
  const { options, type } = lifted;
  const signature = link.signature(type);
  const context = link.context(options);
  const kind: TaskKind = {
    result: signature.result,
    context,
    isAsync: options.isAsync,
    needsExclusive: !options.isAsync || options.callback !== null,
  };
  const start = ports.promising(link.coreFunction(lifted.core));
  const callback =
    options.callback === null ? undefined : ports.promising(link.coreFunction(options.callback));
  const postReturn = postReturnOf(link, options);

  return (...args) => {
    const state = holder.current;
    if (state.hasEnded) return Promise.reject(new ComponentTrap('the invocation is over'));
    const task = new Task(kind);
    state.add(task);
    state.whenEnterable(() => whenTasksMayStart(state, kind, () => begin(state, task, args)));
    return signature.isFallible ? task.result.then(unwrapResult) : task.result;
  };

  function begin(state: InstanceState, task: Task, args: readonly unknown[]): void {
    if (kind.needsExclusive) state.exclusiveTask = task;
    context.begin();
    context.scope = task;
    const flat = signature.lowerParameters(context, args);
    if (callback !== undefined) runCallbacks(state, task, start, flat, callback);
    else if (options.isAsync) enter(state, task, start, flat, () => exit(state, task));
    else enter(state, task, start, flat, (returned) => returnFlat(state, task, returned));
  }

  function returnFlat(state: InstanceState, task: Task, returned: unknown): void {
    context.begin();
    context.lenders = undefined;
    task.return(signature.liftResult(context, returned));
    postReturn?.(returned);
    exit(state, task);
  }
}

/** CanonicalABI.md, `enter_implicit_thread`: calls come in one by one, and not while the guest says so. */
function whenTasksMayStart(state: InstanceState, { needsExclusive }: TaskKind, begin: () => void): void {
  const mayStart = (): boolean =>
    state.backpressure === 0 && !(needsExclusive && state.exclusiveTask !== undefined);
  if (state.waitingToEnter === 0 && mayStart()) {
    begin();
    return;
  }
  state.waitingToEnter++;
  state.stacks.block({
    isReady: mayStart,
    goOn: () => {
      state.waitingToEnter--;
      begin();
    },
  });
}

function runCallbacks(
  state: InstanceState,
  task: Task,
  run: Enter,
  args: readonly unknown[],
  callback: Enter,
): void {
  enter(state, task, run, args, (packed) => afterRun(packed as number));

  function afterRun(packed: number): void {
    const code = packed & 0xf;
    if (code === CALLBACK.exit) {
      exit(state, task);
      return;
    }
    state.exclusiveTask = undefined;
    const isFree = (): boolean => state.exclusiveTask === undefined;
    if (code === CALLBACK.yield) {
      state.chargeYield();
      state.stacks.block({ isReady: isFree, goOn: () => deliver(NO_EVENT) });
    } else if (code === CALLBACK.wait) {
      const set = state.table.get(packed >>> 4, WaitableSet);
      set.waitingCount++;
      state.stacks.block({
        isReady: () => isFree() && set.hasEvent,
        goOn: () => {
          set.waitingCount--;
          deliver(set.takeEvent());
        },
      });
    } else throw new ComponentTrap(`the callback returned the code ${code}`);
  }

  function deliver([code, index, payload]: WaitableEvent): void {
    state.exclusiveTask = task;
    runCallbacks(state, task, callback, [code, index, payload], callback);
  }
}

function enter(
  state: InstanceState,
  task: Task,
  run: Enter,
  args: readonly unknown[],
  onReturn: (returned: unknown) => void,
): void {
  state.currentTask = task;
  run(...args).then(
    (returned) => {
      if (state.hasEnded) return;
      try {
        onReturn(returned);
      } catch (error) {
        state.fail(error);
      }
    },
    (error: unknown) => state.fail(error),
  );
}

function exit(state: InstanceState, task: Task): void {
  if (!task.isResolved) throw new ComponentTrap('the task has exited without returning');
  state.remove(task);
}
