/** Queues in the main thread: how they are defined, and what goes into them. */
import { randomBytes } from 'node:crypto';
import { MayflyError } from '../errors/errors.ts';
import type { Queue, QueueId } from '../model/queue.ts';
import type { SentMessage } from '../model/queue-message.ts';
import { isSigningSecret } from '../model/webhook-signature.ts';
import type { SigningSecretListing } from '../store/signing-secret-table.ts';
import type { QueueBackend, QueueDescription, QueueReference } from './event-backend.ts';
import { countsOf, type EventServicePorts } from './event-ports.ts';
import type { TenantReference } from './references.ts';
import { makeSigningSecret } from './webhook-signature.ts';

type Request<M extends keyof QueueBackend> = Parameters<QueueBackend[M]>[0];

export class QueueService implements QueueBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async putQueue({ tenant, queue, settings, actor }: Request<'putQueue'>) {
    const { registry, now } = this.#ports;
    return registry.events.queues.put(tenant, queue, settings, now(), actor);
  }

  async describeQueue({ tenant, queue }: QueueReference): Promise<QueueDescription> {
    return this.#describe(this.#ports.registry.events.queues.require(tenant, queue));
  }

  async listQueues({ tenant }: TenantReference): Promise<QueueDescription[]> {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    return Promise.all(registry.events.queues.list(tenant).map((queue) => this.#describe(queue)));
  }

  async configureQueue({
    tenant,
    queue,
    settings,
    actor,
  }: Request<'configureQueue'>): Promise<QueueDescription> {
    const { registry, now } = this.#ports;
    return this.#describe(registry.events.queues.configure(tenant, queue, settings, now(), actor));
  }

  async removeQueue({ tenant, queue, actor }: Request<'removeQueue'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.events.queues.remove(tenant, queue, now(), actor);
  }

  async sendMessages({ tenant, queue, messages }: Request<'sendMessages'>): Promise<readonly SentMessage[]> {
    const { registry, queues } = this.#ports;
    const { settings } = registry.events.queues.require(tenant, queue);
    return queues.send(idOf({ tenant, queue }), settings, messages);
  }

  async addSigningSecret({
    tenant,
    queue,
    secret = makeSigningSecret(),
    actor,
  }: Request<'addSigningSecret'>) {
    const { registry, now } = this.#ports;
    if (!isSigningSecret(secret)) {
      throw new MayflyError('invalid_request', 'It must be `whsec_` and 24 to 64 bytes in base64.', {
        field: 'secret',
      });
    }
    const id = randomBytes(8).toString('hex');
    const listing = registry.events.signingSecrets.add({ tenant, queue, id }, secret, now(), actor);
    return { ...listing, secret };
  }

  async listSigningSecrets({ tenant, queue }: QueueReference): Promise<SigningSecretListing[]> {
    const { queues, signingSecrets } = this.#ports.registry.events;
    queues.require(tenant, queue);
    return signingSecrets.list(tenant, queue);
  }

  async removeSigningSecret({ tenant, queue, id, actor }: Request<'removeSigningSecret'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.events.queues.require(tenant, queue);
    registry.events.signingSecrets.remove(tenant, queue, id, now(), actor);
  }

  async signingSecrets({ tenant, queue }: QueueReference): Promise<readonly string[]> {
    return this.#ports.registry.events.signingSecrets.values(tenant, queue);
  }

  async #describe(queue: Queue): Promise<QueueDescription> {
    const counts = await countsOf(this.#ports.queues, idOf({ tenant: queue.tenant, queue: queue.name }));
    return { queue, counts };
  }
}

function idOf({ tenant, queue }: QueueReference): QueueId {
  return { kind: 'queue', tenant, name: queue };
}
