/** Dead letters of something that is consumed, whatever keeps them; each operation means what `QueueEngine` says of it. */
import type { MessageId } from '../../model/ids.ts';
import type { DeadLetter, QueueMessage } from '../../model/queue-message.ts';
import type { MessagePage } from './queue-engine.ts';

export interface DeadLetterPage {
  /** Oldest first by when they died. */
  readonly messages: readonly (QueueMessage | DeadLetter)[];
  /** Where the next page begins, if there may be one. */
  readonly next?: string;
}

export interface DeadLetterStore {
  peek(page: MessagePage): Promise<DeadLetterPage>;
  /** All of them where no ids are given. How many. */
  redrive(ids?: readonly MessageId[]): Promise<number>;
  /** How many. */
  purge(): Promise<number>;
}
