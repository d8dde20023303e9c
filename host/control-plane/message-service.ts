/** What waits in queues, those of functions included: looking and purging. In the main thread. */
import type { QueueId } from '../model/queue.ts';
import type { MessageBackend, MessagePageReply } from './event-backend.ts';
import type { EventServicePorts } from './event-ports.ts';
import { boundedPage } from './message-page.ts';

type Request<M extends keyof MessageBackend> = Parameters<MessageBackend[M]>[0];

export class MessageService implements MessageBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async peekMessages({ id, state, ...page }: Request<'peekMessages'>): Promise<MessagePageReply> {
    requireQueue(this.#ports, id);
    return boundedPage((part) => this.#ports.queues.peek(id, state, part), page);
  }

  async purgeMessages({ id, actor }: Request<'purgeMessages'>): Promise<number> {
    requireQueue(this.#ports, id);
    const { registry, queues, now } = this.#ports;
    const count = await queues.purge(id, 'waiting');
    registry.events.queues.noteWork(id, 'queue.purge', { what: 'waiting', count }, now(), actor);
    return count;
  }
}

/** Events of a function that is deleted can be seen and purged. @throws MayflyError tenant_not_found, queue_not_found */
export function requireQueue({ registry }: EventServicePorts, id: QueueId): void {
  if (id.kind === 'queue') registry.events.queues.require(id.tenant, id.name);
  else registry.tenants.require(id.tenant);
}
