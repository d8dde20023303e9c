/** `canon lower` with the option `async` (CanonicalABI.md, `canon_lower`): the guest goes on while the host works. */
import { kindOf } from '../model/host-call-kind.ts';
import type { CanonicalFunction } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import type { CoreValue } from './codec.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import type { CoreFn } from './guest-ports.ts';
import type { InstanceState } from './instance-state.ts';
import { fallible } from './lower.ts';
import { SUBTASK_STATE, Subtask } from './subtask.ts';

const MAX_FLAT_PARAMETERS = 4;

export function lowerAsync(
  link: ComponentLink,
  lowered: Extract<CanonicalFunction, { kind: 'lower' }>,
): CoreFn {
  const { holder, ports } = link;
  const { type, options } = lowered;
  const context = link.context(options);
  const parameters = link.codecs.tuple(type.parameters.map(([, parameter]) => parameter));
  const result = link.codecs.optional(type.result);
  const areInMemory = parameters.flat.length > MAX_FLAT_PARAMETERS;
  const resultAt = areInMemory ? 1 : parameters.flat.length;
  const call = link.hostFunction(lowered);
  const run = link.signature(type).isFallible ? fallible(call) : call;

  const start: CoreFn = (...args) => {
    const state = holder.current;
    state.leave();
    const subtask = new Subtask(state.stacks);
    context.begin();
    context.lenders = subtask.lenders;
    const values = liftParameters(args as CoreValue[]);
    const { liftedBytes } = context;
    const pointer = (args[resultAt] as number) >>> 0;
    if (result !== undefined) context.checkRange(pointer, result.alignment, result.size);
    const returned = run(values as unknown[]);
    if (!(returned instanceof Promise)) {
      store(context, returned, pointer);
      subtask.returnAtOnce();
      return SUBTASK_STATE.returned;
    }
    state.hold(liftedBytes);
    const index = state.table.add(subtask);
    subtask.hold(index);
    returned.then(
      (value: unknown) => {
        state.release(liftedBytes);
        state.whenEnterable(() => resolve(state, subtask, value, pointer));
      },
      (error: unknown) => state.fail(error),
    );
    return SUBTASK_STATE.started | (index << 4);
  };
  return ports.hostCall(start, kindOf(lowered.interface));

  function liftParameters(args: readonly CoreValue[]): unknown {
    if (!areInMemory) return parameters.liftFlat(context, args, 0);
    const pointer = (args[0] as number) >>> 0;
    context.checkRange(pointer, parameters.alignment, parameters.size);
    return parameters.load(context, pointer);
  }

  function resolve(state: InstanceState, subtask: Subtask, value: unknown, pointer: number): void {
    if (subtask.isResolved) return;
    if (context.state !== state) throw new ComponentTrap('the invocation is over');
    store(context, value, pointer);
    subtask.resolve(SUBTASK_STATE.returned);
  }

  function store(into: CanonicalContext, value: unknown, pointer: number): void {
    if (result === undefined) return;
    into.begin();
    into.checkRange(pointer, result.alignment, result.size);
    result.store(into, value, pointer);
  }
}
