import type { Events } from './events.ts';
import type { EventGauges, QueueGauge } from './metering/telemetry/host-gauges.ts';
import type { QueueId } from './model/queue.ts';
import type { Registry } from './store/registry.ts';

/** Counting a queue is a query: a scrape asks of so many, tenants' own queues first, the event queues of functions then. */
const QUEUES = 1_000;

/** What queues and consumers look like when somebody asks. The event queue of a function is called `function/NAME`, which no queue can be. */
export function eventGauges(
  events: Pick<Events, 'queues' | 'runningConsumers'>,
  registry: Pick<Registry, 'events' | 'tenants'>,
): EventGauges {
  return {
    consumers: () => events.runningConsumers,
    async queues() {
      const own = registry.tenants
        .list()
        .flatMap(({ name: tenant }) =>
          registry.events.queues.list(tenant).map(({ name }): QueueId => ({ kind: 'queue', tenant, name })),
        );
      const functions = registry.events.functions().map((id): QueueId => ({ kind: 'function', ...id }));
      const ids = [...own, ...functions].slice(0, QUEUES);
      return Promise.all(
        ids.map(async (id): Promise<QueueGauge> => {
          const { tenant, name, kind } = id;
          const queue = kind === 'queue' ? name : `function/${name}`;
          return { tenant, queue, counts: await events.queues.counts(id) };
        }),
      );
    },
  };
}
