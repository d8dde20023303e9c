/**
 * Messages of a queue, and what the author says of each. As on Workers: what is said of one message wins over what is
 * said of all, and what was said first wins over what comes later.
 */
import type { ItemFailure, WireBatch, WireMessage } from 'mayfly:events/queue-handler@0.1.0';
import { EventContent } from './event-content.ts';

interface RetryOptions {
  readonly reason?: string;
}

const NO_REASON = 'the handler asked for another attempt';

/** `undefined` until something is said. */
type Said = 'done' | { readonly retry: string } | undefined;

/** What few handlers look at is made when one does: a message costs 11,000 units of fuel less so. */
export class Message extends EventContent {
  readonly id: string;
  readonly #wire: WireMessage;
  #attributes: Readonly<Record<string, string>> | undefined;
  #said: Said;

  constructor(wire: WireMessage) {
    super(wire.contentType, wire.body);
    this.id = wire.id;
    this.#wire = wire;
  }

  get timestamp(): Date {
    return new Date(Number(this.#wire.sentAtMs));
  }

  get attempts(): number {
    return this.#wire.attempt;
  }

  get groupKey(): string | undefined {
    return this.#wire.groupKey ?? undefined;
  }

  get attributes(): Readonly<Record<string, string>> {
    this.#attributes ??= Object.fromEntries(this.#wire.attributes);
    return this.#attributes;
  }

  ack(): void {
    this.#said ??= 'done';
  }

  retry({ reason = NO_REASON }: RetryOptions = {}): void {
    this.#said ??= { retry: reason };
  }

  static said(message: Message): Said {
    return message.#said;
  }
}

export class MessageBatch {
  readonly queue: string;
  readonly messages: readonly Message[];
  #said: Said;

  constructor(wire: WireBatch) {
    this.queue = wire.source;
    this.messages = wire.messages.map((message) => new Message(message));
  }

  ackAll(): void {
    this.#said ??= 'done';
  }

  retryAll({ reason = NO_REASON }: RetryOptions = {}): void {
    this.#said ??= { retry: reason };
  }

  /** Of messages that nobody said anything of: they are done, or failed by `error` where the handler did. */
  static failures(batch: MessageBatch, error?: string): ItemFailure[] {
    const rest = batch.#said ?? (error === undefined ? 'done' : { retry: error });
    const failures: ItemFailure[] = [];
    for (const message of batch.messages) {
      const said = Message.said(message) ?? rest;
      if (said !== 'done') failures.push({ id: message.id, detail: said.retry });
    }
    return failures;
  }
}
