/** What is in queues, those of functions included: looking, purging, dead letters. In the main thread. */
import { QUEUE_LIMITS } from '../event-limits.ts';
import type { QueueId } from '../model/queue.ts';
import type { MessageBackend, MessagePageReply } from './event-backend.ts';
import type { EventServicePorts } from './event-ports.ts';

type Request<M extends keyof MessageBackend> = Parameters<MessageBackend[M]>[0];

export class MessageService implements MessageBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  /** A page ends where its bodies reach `QUEUE_LIMITS.sendBytes`; it has one message at least. */
  async peekMessages({ id, state, limit, after }: Request<'peekMessages'>): Promise<MessagePageReply> {
    this.#require(id);
    const cursor = after === undefined ? {} : { after };
    const page = await this.#ports.queues.peek(id, state, { limit, ...cursor });
    let bytes = 0;
    const fitting = page.messages.findIndex(({ body }) => {
      bytes += body.byteLength;
      return bytes > QUEUE_LIMITS.sendBytes;
    });
    if (fitting <= 0) return page;
    // The engine's cursor stands behind a whole page of its own.
    return this.#ports.queues.peek(id, state, { limit: fitting, ...cursor });
  }

  async purgeMessages({ id, what, actor }: Request<'purgeMessages'>): Promise<number> {
    this.#require(id);
    const count = await this.#ports.queues.purge(id, what);
    const { registry, now } = this.#ports;
    registry.events.queues.noteWork(id, 'queue.purge', { what, count }, now(), actor);
    return count;
  }

  async redriveMessages({ id, ids, actor }: Request<'redriveMessages'>): Promise<number> {
    this.#require(id);
    const count = await this.#ports.queues.redrive(id, ids);
    const { registry, now } = this.#ports;
    registry.events.queues.noteWork(id, 'queue.redrive', { count }, now(), actor);
    return count;
  }

  /** Events of a function that is deleted can be seen and purged. */
  #require(id: QueueId): void {
    const { registry } = this.#ports;
    if (id.kind === 'queue') registry.events.queues.require(id.tenant, id.name);
    else registry.tenants.require(id.tenant);
  }
}
