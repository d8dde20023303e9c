/** Reading, writing and cancelling by the guest: `stream.read` to `future.cancel-write` (CanonicalABI.md, `stream_copy`). */
import type { TypeIndex } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import { COPY, type CopyListener, type CopyResult } from './channel.ts';
import {
  type ChannelEnd,
  ReadableFutureEnd,
  ReadableStreamEnd,
  WritableFutureEnd,
  WritableStreamEnd,
} from './channel-end.ts';
import { ComponentTrap } from './component-trap.ts';
import { type BufferType, GuestBuffer } from './guest-buffer.ts';
import type { InstanceState } from './instance-state.ts';
import { BLOCKED, EVENT, type WaitableEvent } from './waitable.ts';

type End = ReadableStreamEnd | WritableStreamEnd | ReadableFutureEnd | WritableFutureEnd;

/** One of the four kinds of ends, and what its copies look like to the guest. */
export interface EndKind {
  readonly class: abstract new (...args: never[]) => End;
  readonly event: number;
  readonly isFuture: boolean;
}

export const END_KINDS = {
  'stream.read': { class: ReadableStreamEnd, event: EVENT.streamRead, isFuture: false },
  'stream.write': { class: WritableStreamEnd, event: EVENT.streamWrite, isFuture: false },
  'future.read': { class: ReadableFutureEnd, event: EVENT.futureRead, isFuture: true },
  'future.write': { class: WritableFutureEnd, event: EVENT.futureWrite, isFuture: true },
} as const satisfies Record<string, EndKind>;

export function getEnd(state: InstanceState, kind: EndKind, element: TypeIndex | null, index: number): End {
  const end = state.table.get(index, kind.class);
  if (end.side.element !== element) throw new ComponentTrap(`handle ${index >>> 0} carries another type`);
  return end;
}

export interface CopyOptions {
  readonly kind: EndKind;
  readonly element: TypeIndex | null;
  readonly type: BufferType | undefined;
  readonly context: CanonicalContext;
  readonly isAsync: boolean;
}

/** Gives what the core function returns, or a promise of it where it is not async. */
export function copy(
  state: InstanceState,
  { kind, element, type, context, isAsync }: CopyOptions,
  index: number,
  pointer: number,
  length: number,
): number | Promise<number> {
  const end = getEnd(state, kind, element, index);
  if (end.state !== 'idle') throw new ComponentTrap('an end that copies or is done is used again');
  if (end.isInSet && !isAsync) throw new ComponentTrap('a call waits for what is in a waitable set');
  const buffer = new GuestBuffer(context, type, pointer, length);
  end.state = 'copying';
  const listener = listen(end, kind, index, buffer);
  if (end instanceof ReadableStreamEnd || end instanceof ReadableFutureEnd) end.side.read(buffer, listener);
  else end.side.write(buffer, listener);
  return outcome(end, isAsync);
}

/** `cancel-read`, `cancel-write` */
export function cancelCopy(
  state: InstanceState,
  kind: EndKind,
  element: TypeIndex | null,
  isAsync: boolean,
  index: number,
): number | Promise<number> {
  const end = getEnd(state, kind, element, index);
  if (end.state !== 'copying' || end.hasSyncWaiter)
    throw new ComponentTrap('nothing is being copied that can be cancelled');
  if (end.isInSet && !isAsync) throw new ComponentTrap('a call waits for what is in a waitable set');
  end.state = 'cancelling';
  if (!end.hasEvent) end.side.cancel();
  return outcome(end, isAsync);
}

function outcome(end: End, isAsync: boolean): number | Promise<number> {
  if (end.hasEvent) return end.takeEvent()[2];
  return isAsync ? BLOCKED : end.waitForEvent(([, , payload]) => payload);
}

function listen(
  end: ChannelEnd<{ drop(): void }>,
  { event, isFuture }: EndKind,
  index: number,
  buffer: GuestBuffer,
): CopyListener {
  const deliver = (result: CopyResult): WaitableEvent => {
    const isDone = result === COPY.dropped || (isFuture && result === COPY.completed);
    end.state = isDone ? 'done' : 'idle';
    return [event, index >>> 0, isFuture ? result : result | (buffer.progress << 4)];
  };
  return {
    onCopy: (reclaim) =>
      end.setEvent(() => {
        reclaim();
        return deliver(COPY.completed);
      }),
    onDone: (result) => end.setEvent(() => deliver(result)),
  };
}
