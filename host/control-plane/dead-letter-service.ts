/** Dead letters in the main thread, of queues, of functions' events and of the streams that mappings read. */
import { MayflyError } from '../errors.ts';
import type { QueueId } from '../model/queue.ts';
import type { DeadLetterStore } from '../store/queues/dead-letter-store.ts';
import type {
  DeadLetterBackend,
  DeadLetterOwner,
  DeadLetterReference,
  MessagePageReply,
} from './event-backend.ts';
import type { EventServicePorts } from './event-ports.ts';
import { boundedPage } from './message-page.ts';
import { requireQueue } from './message-service.ts';

type Request<M extends keyof DeadLetterBackend> = Parameters<DeadLetterBackend[M]>[0];

export class DeadLetterService implements DeadLetterBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async peekDeadLetters({ of, ...page }: Request<'peekDeadLetters'>): Promise<MessagePageReply> {
    const { store } = this.#find(of);
    return boundedPage((part) => store.peek(part), page);
  }

  async redriveDeadLetters({ of, ids, actor }: Request<'redriveDeadLetters'>): Promise<number> {
    const { store, owner } = this.#find(of);
    const count = await store.redrive(ids);
    const { registry, now } = this.#ports;
    registry.events.queues.noteWork(owner, 'queue.redrive', { count }, now(), actor);
    return count;
  }

  async purgeDeadLetters({ of, actor }: Request<'purgeDeadLetters'>): Promise<number> {
    const { store, owner } = this.#find(of);
    const count = await store.purge();
    const { registry, now } = this.#ports;
    registry.events.queues.noteWork(owner, 'queue.purge', { what: 'dead', count }, now(), actor);
    return count;
  }

  /** What keeps them, and whose they are: of a mapping that reads a queue, the queue's. */
  #find(of: DeadLetterReference['of']): { readonly store: DeadLetterStore; readonly owner: DeadLetterOwner } {
    if (of.kind !== 'mapping') return this.#ofQueue(of);
    const { tenant, name } = of;
    const mapping = this.#ports.registry.events.mappings.require(tenant, name);
    if (mapping.source.type === 'queue')
      return this.#ofQueue({ kind: 'queue', tenant, name: mapping.source.queue });
    const stream = this.#ports.triggers.stream(mapping);
    if (stream === undefined)
      throw new MayflyError('queue_unavailable', 'This host has no Redis any more, where the stream was.');
    return { store: stream.deadLetters, owner: of };
  }

  #ofQueue(id: QueueId): { readonly store: DeadLetterStore; readonly owner: QueueId } {
    requireQueue(this.#ports, id);
    const { queues } = this.#ports;
    const store: DeadLetterStore = {
      peek: (page) => queues.peek(id, 'dead', page),
      redrive: (ids) => queues.redrive(id, ids),
      purge: () => queues.purge(id, 'dead'),
    };
    return { store, owner: id };
  }
}
