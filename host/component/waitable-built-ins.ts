/** Built-ins about sets of waitables and about error contexts (CanonicalABI.md). */
import type { CanonicalOptions, CoreExport } from '../model/link-plan.ts';
import type { CanonicalContext } from './canonical-context.ts';
import type { ComponentLink } from './component-link.ts';
import { ComponentTrap } from './component-trap.ts';
import { ErrorContext } from './error-context.ts';
import type { CoreFn } from './guest-ports.ts';
import { loadString, STRING_CODEC } from './string-codec.ts';
import { NO_EVENT, Waitable, type WaitableEvent, WaitableSet } from './waitable.ts';

export function waitableSetNew({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall(() => {
    const state = holder.current;
    state.leave();
    return state.table.add(new WaitableSet());
  });
}

function contextOfMemory(link: ComponentLink, memory: CoreExport): CanonicalContext {
  return link.context({
    memory,
    realloc: null,
    postReturn: null,
    callback: null,
    stringEncoding: 'utf8',
    isAsync: false,
  });
}

function storeEvent(
  context: CanonicalContext,
  [code, index, payload]: WaitableEvent,
  pointer: number,
): number {
  context.begin();
  context.checkRange(pointer, 4, 8);
  context.view.setInt32(pointer, index, true);
  context.view.setInt32(pointer + 4, payload, true);
  return code;
}

export function waitableSetWait(link: ComponentLink, { memory }: { readonly memory: CoreExport }): unknown {
  const context = contextOfMemory(link, memory);
  return link.waitingHostCall((index, pointer) => {
    const state = link.holder.current;
    state.leave();
    const set = state.table.get(index as number, WaitableSet);
    const take = (): number => storeEvent(context, set.takeEvent(), (pointer as number) >>> 0);
    if (set.hasEvent) return take();
    set.waitingCount++;
    return state.stacks.waitFor(
      () => set.hasEvent,
      () => {
        set.waitingCount--;
        return take();
      },
    );
  });
}

export function waitableSetPoll(link: ComponentLink, { memory }: { readonly memory: CoreExport }): CoreFn {
  const context = contextOfMemory(link, memory);
  return link.ports.hostCall((index, pointer) => {
    const state = link.holder.current;
    state.leave();
    const set = state.table.get(index as number, WaitableSet);
    return storeEvent(context, set.hasEvent ? set.takeEvent() : NO_EVENT, (pointer as number) >>> 0);
  });
}

export function waitableSetDrop({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall((index) => {
    const state = holder.current;
    state.leave();
    const set = state.table.get(index as number, WaitableSet);
    set.drop();
    state.table.remove(index as number);
  });
}

/** Set 0 is none. */
export function waitableJoin({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall((index, set) => {
    const state = holder.current;
    state.leave();
    const waitable = state.table.get(index as number, Waitable);
    if (waitable.hasSyncWaiter) throw new ComponentTrap('what a call waits for is put into a set');
    waitable.join(set === 0 ? undefined : state.table.get(set as number, WaitableSet));
  });
}

export function errorContextNew(
  link: ComponentLink,
  { options }: { readonly options: CanonicalOptions },
): CoreFn {
  const context = link.context(options);
  return link.ports.hostCall((pointer, length) => {
    const state = link.holder.current;
    state.leave();
    context.begin();
    const message = loadString(context, (pointer as number) >>> 0, (length as number) >>> 0);
    return state.table.add(new ErrorContext(message));
  });
}

export function errorContextMessage(
  link: ComponentLink,
  { options }: { readonly options: CanonicalOptions },
): CoreFn {
  const context = link.context(options);
  return link.ports.hostCall((index, at) => {
    const state = link.holder.current;
    state.leave();
    const { debugMessage } = state.table.get(index as number, ErrorContext);
    const pointer = (at as number) >>> 0;
    context.begin();
    context.checkRange(pointer, STRING_CODEC.alignment, STRING_CODEC.size);
    STRING_CODEC.store(context, debugMessage, pointer);
  });
}

export function errorContextDrop({ holder, ports }: ComponentLink): CoreFn {
  return ports.hostCall((index) => {
    const state = holder.current;
    state.leave();
    state.table.get(index as number, ErrorContext);
    state.table.remove(index as number);
  });
}
