import type { BlockedStacks } from './blocked-stacks.ts';
import type { ReadableSide, WritableSide } from './channel.ts';
import { ComponentTrap } from './component-trap.ts';
import { Waitable } from './waitable.ts';

/** CanonicalABI.md, `CopyState`. */
type CopyState = 'idle' | 'copying' | 'cancelling' | 'done';

/** An end of a stream or future in the handle table (CanonicalABI.md, `CopyEnd`). */
export abstract class ChannelEnd<Side extends { drop(): void }> extends Waitable {
  state: CopyState = 'idle';
  readonly side: Side;

  constructor(stacks: BlockedStacks, side: Side) {
    super(stacks);
    this.side = side;
  }

  get isCopying(): boolean {
    return this.state === 'copying' || this.state === 'cancelling';
  }

  override drop(): void {
    if (this.isCopying) throw new ComponentTrap('an end is dropped while it copies');
    this.side.drop();
    super.drop();
  }
}

export class ReadableStreamEnd extends ChannelEnd<ReadableSide> {}
export class WritableStreamEnd extends ChannelEnd<WritableSide> {}
export class ReadableFutureEnd extends ChannelEnd<ReadableSide> {}

export class WritableFutureEnd extends ChannelEnd<WritableSide> {
  override drop(): void {
    if (this.state !== 'done') throw new ComponentTrap('a future is dropped before it was written');
    super.drop();
  }
}
