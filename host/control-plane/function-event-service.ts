/** Asynchronous invocations in the main thread, and the event queue that each function has for them. */
import { MayflyError } from '../errors/errors.ts';
import type { EventInvokeConfig } from '../model/event-invoke-config.ts';
import { functionQueueSettings } from '../model/queue.ts';
import type { SentMessage } from '../model/queue-message.ts';
import type { FunctionEventBackend, FunctionEventsDescription } from './event-backend.ts';
import { countsOf, type EventServicePorts } from './event-ports.ts';
import type { FunctionReference } from './references.ts';

type Request<M extends keyof FunctionEventBackend> = Parameters<FunctionEventBackend[M]>[0];

export class FunctionEventService implements FunctionEventBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async invokeAsync({ tenant, name, message }: Request<'invokeAsync'>): Promise<SentMessage> {
    this.#require({ tenant, name });
    const { registry, queues } = this.#ports;
    const settings = functionQueueSettings(registry.events.invokeConfigs.of(tenant, name));
    const [sent] = await queues.send({ kind: 'function', tenant, name }, settings, [message]);
    return sent!;
  }

  async eventInvokeConfig(reference: FunctionReference): Promise<EventInvokeConfig> {
    this.#require(reference);
    return this.#ports.registry.events.invokeConfigs.of(reference.tenant, reference.name);
  }

  async configureEventInvoke(request: Request<'configureEventInvoke'>): Promise<EventInvokeConfig> {
    this.#require(request);
    const { registry, now } = this.#ports;
    const { tenant, name, patch, actor } = request;
    return registry.events.invokeConfigs.configure(tenant, name, patch, now(), actor);
  }

  async describeFunctionEvents({ tenant, name }: FunctionReference): Promise<FunctionEventsDescription> {
    const { registry, queues, triggers } = this.#ports;
    registry.tenants.require(tenant);
    const counts = await countsOf(queues, { kind: 'function', tenant, name });
    return { status: triggers.functionStatus(tenant, name), counts };
  }

  #require({ tenant, name }: FunctionReference): void {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    if (registry.functions.find(tenant, name)) return;
    throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
  }
}
