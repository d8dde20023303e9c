/** Schedules in the main thread. */
import { MayflyError } from '../errors.ts';
import { SCHEDULE_LIMITS } from '../event-limits.ts';
import type { Schedule, ScheduleExpression } from '../model/schedule.ts';
import type { TenantReference } from './backend.ts';
import type { ScheduleBackend, ScheduleDescription, ScheduleReference } from './event-backend.ts';
import type { EventServicePorts } from './event-ports.ts';

type Request<M extends keyof ScheduleBackend> = Parameters<ScheduleBackend[M]>[0];

export class ScheduleService implements ScheduleBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async putSchedule(request: Request<'putSchedule'>) {
    const { registry, now } = this.#ports;
    const { tenant, schedule: name, settings, actor } = request;
    this.#requireTicks(settings.expression);
    const definition = { function: request.function, settings };
    const { schedule, created } = registry.events.schedules.put(tenant, name, definition, now(), actor);
    return { ...this.#describe(schedule), created };
  }

  async describeSchedule({ tenant, schedule }: ScheduleReference): Promise<ScheduleDescription> {
    return this.#describe(this.#ports.registry.events.schedules.require(tenant, schedule));
  }

  async listSchedules({ tenant }: TenantReference): Promise<ScheduleDescription[]> {
    const { registry } = this.#ports;
    registry.tenants.require(tenant);
    return registry.events.schedules.list(tenant).map((schedule) => this.#describe(schedule));
  }

  async configureSchedule(request: Request<'configureSchedule'>): Promise<ScheduleDescription> {
    const { registry, now } = this.#ports;
    const { tenant, schedule: name, settings, actor } = request;
    if (settings.expression !== undefined) this.#requireTicks(settings.expression);
    const patch = { settings, ...(request.function === undefined ? {} : { function: request.function }) };
    return this.#describe(registry.events.schedules.configure(tenant, name, patch, now(), actor));
  }

  async removeSchedule({ tenant, schedule, actor }: Request<'removeSchedule'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.events.schedules.remove(tenant, schedule, now(), actor);
  }

  /** One that never strikes is a mistake. */
  #requireTicks(expression: ScheduleExpression): void {
    const { triggers, now } = this.#ports;
    if (triggers.nextTicks(expression, now(), 1).length > 0) return;
    throw new MayflyError(
      'invalid_request',
      'It would never strike: the time is over, or no date is like that.',
      {
        field: 'expression',
      },
    );
  }

  #describe(schedule: Schedule): ScheduleDescription {
    const { triggers, now } = this.#ports;
    const { enabled, expression } = schedule.settings;
    const nextTicksMs = enabled ? triggers.nextTicks(expression, now(), SCHEDULE_LIMITS.previewTicks) : [];
    return { schedule, nextTicksMs };
  }
}
