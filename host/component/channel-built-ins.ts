/** Built-ins of streams and futures (CanonicalABI.md): `stream.new` to `future.drop-writable`. */
import type { CanonicalOptions, TypeIndex } from '../model/link-plan.ts';
import { Channel } from './channel.ts';
import { type CopyOptions, cancelCopy, copy, END_KINDS, getEnd } from './channel-copy.ts';
import { ReadableFutureEnd, ReadableStreamEnd, WritableFutureEnd, WritableStreamEnd } from './channel-end.ts';
import type { ComponentLink } from './component-link.ts';
import { bufferType } from './guest-buffer.ts';
import type { CoreFn } from './guest-ports.ts';

type Verb = 'read' | 'write';
type Noun = 'stream' | 'future';

/** What a stream or future carries. */
function elementOf({ plan }: ComponentLink, type: TypeIndex): TypeIndex | null {
  const value = plan.types[type];
  if (value?.kind !== 'stream' && value?.kind !== 'future') throw new RangeError(`type ${type} is no stream`);
  return value.element;
}

export function channelNew(link: ComponentLink, noun: Noun, type: TypeIndex): CoreFn {
  const element = elementOf(link, type);
  const isNumeric = element === null || link.codecs.get(element).typedArray !== undefined;
  const [Readable, Writable] =
    noun === 'stream' ? [ReadableStreamEnd, WritableStreamEnd] : [ReadableFutureEnd, WritableFutureEnd];
  return link.ports.hostCall(() => {
    const state = link.holder.current;
    state.leave();
    const channel = new Channel(element, noun === 'future', isNumeric);
    const readable = state.table.add(new Readable(state.stacks, channel));
    const writable = state.table.add(new Writable(state.stacks, channel));
    return BigInt(readable) | (BigInt(writable) << 32n);
  });
}

export function channelCopy(
  link: ComponentLink,
  kind: `${Noun}.${Verb}`,
  type: TypeIndex,
  options: CanonicalOptions,
): unknown {
  const element = elementOf(link, type);
  const copyOptions: CopyOptions = {
    kind: END_KINDS[kind],
    element,
    type: bufferType(link.codecs.optional(element)),
    context: link.context(options),
    isAsync: options.isAsync,
  };
  const isFuture = kind.startsWith('future');
  const run: CoreFn = (index, pointer, length) => {
    const state = link.holder.current;
    state.leave();
    const count = isFuture ? 1 : (length as number) >>> 0;
    return copy(state, copyOptions, index as number, (pointer as number) >>> 0, count);
  };
  return options.isAsync ? link.ports.hostCall(run) : link.waitingHostCall(run);
}

export function channelCancel(
  link: ComponentLink,
  kind: `${Noun}.cancel-${Verb}`,
  type: TypeIndex,
  isAsync: boolean,
): unknown {
  const element = elementOf(link, type);
  const end = END_KINDS[kind.replace('cancel-', '') as `${Noun}.${Verb}`];
  const run: CoreFn = (index) => {
    const state = link.holder.current;
    state.leave();
    return cancelCopy(state, end, element, isAsync, index as number);
  };
  return isAsync ? link.ports.hostCall(run) : link.waitingHostCall(run);
}

export function channelDrop(
  link: ComponentLink,
  kind: `${Noun}.drop-${'readable' | 'writable'}`,
  type: TypeIndex,
): CoreFn {
  const element = elementOf(link, type);
  const verb = kind.endsWith('readable') ? 'read' : 'write';
  const end = END_KINDS[`${kind.startsWith('stream') ? 'stream' : 'future'}.${verb}`];
  return link.ports.hostCall((index) => {
    const state = link.holder.current;
    state.leave();
    const dropped = getEnd(state, end, element, index as number);
    dropped.drop();
    state.table.remove(index as number);
  });
}
