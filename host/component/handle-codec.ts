import type { ResourceIndex } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import type { Codec } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';
import { ErrorContext } from './error-context.ts';
import { ResourceHandle } from './resource-handle.ts';

/** A type whose values are indices into the handle table, both in memory and flat. */
export function indexCodec(
  lift: (context: CanonicalContext, index: number) => unknown,
  lower: (context: CanonicalContext, value: unknown) => number,
): Codec {
  return {
    size: 4,
    alignment: 4,
    flat: ['i32'],
    load: (context, pointer) => lift(context, context.view.getUint32(pointer, true)),
    store: (context, value, pointer) => context.view.setUint32(pointer, lower(context, value), true),
    liftFlat: (context, values, at) => lift(context, values[at] as number),
    lowerFlat: (context, value, into) => {
      into.push(lower(context, value));
    },
  };
}

function getHandle(context: CanonicalContext, index: number, resource: ResourceIndex): ResourceHandle {
  const handle = context.state.table.get(index, ResourceHandle);
  if (handle.resource !== resource) throw new ComponentTrap(`handle ${index} is of another resource`);
  return handle;
}

/**
 * What the host passes to an export is of the types that it has here, and lowered by those that the component declares: a list or bytes for
 * a resource would lend JavaScript's own methods (`set`, `splice`) to whoever has the handle. Objects of another class check for themselves.
 */
function toObject(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    throw new TypeError('not a resource');
  return value;
}

/** CanonicalABI.md, `lift_own`, `lower_own`: the handle moves. */
export function ownCodec(resource: ResourceIndex): Codec {
  return indexCodec(
    (context, index) => {
      const handle = getHandle(context, index, resource);
      if (!handle.isOwned) throw new ComponentTrap('a borrowed handle cannot be given away');
      if (handle.lendCount !== 0) throw new ComponentTrap('a handle that is lent cannot be given away');
      context.state.table.remove(index);
      return handle.object;
    },
    (context, value) => context.state.table.add(new ResourceHandle(resource, toObject(value), undefined)),
  );
}

/** CanonicalABI.md, `lift_borrow`, `lower_borrow`. */
export function borrowCodec(resource: ResourceIndex): Codec {
  return indexCodec(
    (context, index) => {
      const handle = getHandle(context, index, resource);
      context.lenders?.add(handle);
      return handle.object;
    },
    (context, value) => {
      const { scope } = context;
      if (scope === undefined) throw new TypeError('nobody answers for the borrowed handle');
      const index = context.state.table.add(new ResourceHandle(resource, toObject(value), scope));
      scope.borrowCount++;
      return index;
    },
  );
}

/** The host's side of an error context is its message. */
export const ERROR_CONTEXT_CODEC: Codec = indexCodec(
  (context, index) => context.state.table.get(index, ErrorContext),
  (context, value) =>
    context.state.table.add(value instanceof ErrorContext ? value : new ErrorContext(String(value))),
);
