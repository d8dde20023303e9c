import type { LinkPlan, TypeIndex } from '../model/link-plan.ts';
import type { ReadableSide } from './channel.ts';
import { type ChannelEnd, ReadableFutureEnd, ReadableStreamEnd } from './channel-end.ts';
import type { Codec } from './codec.ts';
import type { ChannelCodecs } from './codec-set.ts';
import { ComponentTrap } from './component-trap.ts';
import { GuestFutureReader, GuestStreamReader } from './guest-reader.ts';
import { indexCodec } from './handle-codec.ts';
import { sourceOfIterable, sourceOfPromise } from './host-source.ts';

/** CanonicalABI.md, `lift_async_value`: only a readable end that is at rest can be given away. */
function checkAtRest(end: ChannelEnd<ReadableSide>, element: TypeIndex | null): ReadableSide {
  if (end.side.element !== element) throw new ComponentTrap('a stream or future carries another type');
  if (end.state !== 'idle') throw new ComponentTrap('a stream or future that is in use is given away');
  if (end.isInSet) throw new ComponentTrap('a stream or future in a waitable set is given away');
  return end.side;
}

function elementOf({ types }: Pick<LinkPlan, 'types'>, type: TypeIndex): TypeIndex | null {
  const value = types[type];
  if (value?.kind !== 'stream' && value?.kind !== 'future') throw new RangeError(`type ${type} is no stream`);
  return value.element;
}

/** Ends of streams and futures as values: they move, like owned resources (CanonicalABI.md, `lift_stream`, `lower_stream`). */
export function channelCodecs(plan: Pick<LinkPlan, 'types'>): ChannelCodecs {
  return {
    stream(codec: Codec | undefined, type: TypeIndex): Codec {
      const element = elementOf(plan, type);
      const isNumeric = codec?.typedArray !== undefined;
      return indexCodec(
        ({ state }, index) => {
          const side = checkAtRest(state.table.get(index, ReadableStreamEnd), element);
          state.table.remove(index);
          return new GuestStreamReader(state, side);
        },
        ({ state }, value) => {
          const side =
            value instanceof GuestStreamReader
              ? GuestStreamReader.release(value)
              : sourceOfIterable(state, element, isNumeric, value as AsyncIterable<unknown>);
          if (side === undefined) throw new TypeError('a stream that was read from cannot be given away');
          return state.table.add(new ReadableStreamEnd(state.stacks, side));
        },
      );
    },
    future(_codec: Codec | undefined, type: TypeIndex): Codec {
      const element = elementOf(plan, type);
      return indexCodec(
        ({ state }, index) => {
          const side = checkAtRest(state.table.get(index, ReadableFutureEnd), element);
          state.table.remove(index);
          return new GuestFutureReader(state, side);
        },
        ({ state }, value) => {
          const side =
            value instanceof GuestFutureReader
              ? GuestFutureReader.release(value)
              : sourceOfPromise(state, element, value as PromiseLike<unknown>);
          if (side === undefined) throw new TypeError('a future that was read cannot be given away');
          return state.table.add(new ReadableFutureEnd(state.stacks, side));
        },
      );
    },
  };
}
