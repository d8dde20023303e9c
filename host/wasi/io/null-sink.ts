import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSink } from './bytes.ts';

const resolved = Promise.resolve();

/** Takes everything and keeps nothing. It has no state: share it. */
export const NULL_SINK: ByteSink = {
  checkWrite: () => STREAM_BUFFER_BYTES,
  write: () => {},
  isReady: () => true,
  ready: () => resolved,
  flushed: () => resolved,
  end: () => {},
  abort: () => {},
};
