/**
 * Dead letters of a Redis Stream that other programs write to, as one consumer group has them: in a stream of ours beside it, where the
 * script that acknowledges an entry puts them (`lua/stream-settle.lua`).
 *
 *  1. A redrive hands the entry out again to this group alone, from a copy: the stream is not written to, so other groups see nothing of it,
 *     and what its writer has trimmed away meanwhile is tried again all the same.
 *  2. Ids are those that the function saw. They are not kept but computed, so those that are named are looked for: one walk over the dead
 *     letters, `SCANNED` in each script.
 *  3. They are dropped when they are `QUEUE_LIMITS.retentionMs.default` old, at the latest when somebody looks.
 */
import { QUEUE_LIMITS } from '../../event-limits.ts';
import type { MessageId } from '../../model/ids.ts';
import type { DeadLetter } from '../../model/queue-message.ts';
import type { DeadLetterPage, DeadLetterStore } from './dead-letter-store.ts';
import type { MessagePage } from './queue-engine.ts';
import type { RedisLink } from './redis-link.ts';
import { decodeEntry, messageIdOf, timeOfMessageId } from './redis-stream-record.ts';

/** Dead letters that one script redrives, or looks at: a few milliseconds in which Redis does nothing else. */
const REDRIVE_CHUNK = 500;
const SCANNED = 500;

export class RedisStreamDeadLetters implements DeadLetterStore {
  readonly #link: RedisLink;
  readonly #base: string;
  readonly #key: string;

  /**
   * @param base of the keys that the group's consumers keep
   * @param key the stream
   */
  constructor(link: RedisLink, base: string, key: string) {
    this.#link = link;
    this.#base = base;
    this.#key = key;
  }

  /** A page has bodies of `QUEUE_LIMITS.sendBytes`, or one letter. @throws MayflyError queue_unavailable */
  async peek({ limit, after = '' }: MessagePage): Promise<DeadLetterPage> {
    const args = [limit, QUEUE_LIMITS.sendBytes, after, QUEUE_LIMITS.retentionMs.default];
    const [next, ...entries] = (await this.#script('stream-peek', args)) as [
      Buffer,
      ...(readonly [Buffer, readonly Buffer[]])[],
    ];
    const messages = entries.map(([id, fields]) => this.#decode(id.toString(), fields));
    return next.length === 0 ? { messages } : { messages, next: next.toString() };
  }

  /** @throws MayflyError queue_unavailable; what was taken until then is ready */
  async redrive(ids?: readonly MessageId[]): Promise<number> {
    let count = 0;
    const some = async (last: string, named: readonly string[] = []): Promise<[number, string]> => {
      const args = [REDRIVE_CHUNK, last, QUEUE_LIMITS.retentionMs.default, ...named];
      const [taken, newest] = (await this.#script('stream-redrive', args)) as [number, Buffer];
      count += taken;
      return [taken, newest.toString()];
    };
    if (ids !== undefined) {
      const found = await this.#find(ids);
      for (let at = 0; at < found.length; at += REDRIVE_CHUNK)
        await some('', found.slice(at, at + REDRIVE_CHUNK));
      return count;
    }
    let [taken, newest] = await some('+');
    while (taken === REDRIVE_CHUNK) [taken, newest] = await some(newest);
    return count;
  }

  /** @throws MayflyError queue_unavailable */
  async purge(): Promise<number> {
    return Number(await this.#script('stream-purge', []));
  }

  /** Where dead letters of these ids lie. */
  async #find(ids: readonly MessageId[]): Promise<string[]> {
    const wanted = new Set(ids);
    const times = [...new Set(ids.map(timeOfMessageId))];
    const found: string[] = [];
    let last = '';
    do {
      const [next, ...pairs] = (await this.#script('stream-find', [SCANNED, last, ...times])) as [
        Buffer,
        ...Buffer[],
      ];
      for (let i = 0; i < pairs.length; i += 2) {
        if (wanted.has(messageIdOf(this.#key, pairs[i + 1]!.toString()))) found.push(pairs[i]!.toString());
      }
      last = next.toString();
    } while (last !== '');
    return found;
  }

  #decode(id: string, all: readonly Buffer[]): DeadLetter {
    const [, entryId, , attempts, , code, , detail, ...fields] = all as readonly [
      ...[Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer],
      ...Buffer[],
    ];
    const deadAtMs = Number.parseInt(id, 10);
    const tried = Number(attempts.toString());
    const entry = { id: entryId.toString(), fields };
    return {
      ...decodeEntry(this.#key, entry, [tried - 1, '', ''], deadAtMs),
      cause: { code: code.toString(), detail: detail.toString() },
      deadAtMs,
    };
  }

  #script(
    name: 'stream-peek' | 'stream-find' | 'stream-redrive' | 'stream-purge',
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return this.#link.script(name, [this.#base, this.#key, ...args]);
  }
}
