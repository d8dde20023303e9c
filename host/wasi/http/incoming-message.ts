import type { HeaderList } from '../context.ts';
import type { ByteSource } from '../io/bytes.ts';

/** The body of a message from outside: of a caller's request or of an upstream's response. */
export interface IncomingMessage {
  readonly body: ByteSource;
  /** Resolves once `body` has ended. */
  trailers(): Promise<HeaderList>;
}
