/** Schedules in the main thread. */
import { MayflyError } from '../errors/errors.ts';
import { SCHEDULE_LIMITS } from '../limits/event-limits.ts';
import type { Schedule } from '../model/schedule.ts';
import { checkExpression, timetableOf } from '../triggers/timetable.ts';
import type { ScheduleBackend, ScheduleDescription, ScheduleReference } from './event-backend.ts';
import type { EventServicePorts } from './event-ports.ts';
import type { TenantReference } from './references.ts';

type Request<M extends keyof ScheduleBackend> = Parameters<ScheduleBackend[M]>[0];

export class ScheduleService implements ScheduleBackend {
  readonly #ports: EventServicePorts;

  constructor(ports: EventServicePorts) {
    this.#ports = ports;
  }

  async putSchedule(request: Request<'putSchedule'>) {
    const { registry, now } = this.#ports;
    const { tenant, schedule: name, settings, actor } = request;
    checkExpression({ tenant, name }, settings.expression, now());
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
    if (settings.expression !== undefined) checkExpression({ tenant, name }, settings.expression, now());
    const patch = { settings, ...(request.function === undefined ? {} : { function: request.function }) };
    return this.#describe(registry.events.schedules.configure(tenant, name, patch, now(), actor));
  }

  async removeSchedule({ tenant, schedule, actor }: Request<'removeSchedule'>): Promise<void> {
    const { registry, now } = this.#ports;
    registry.events.schedules.remove(tenant, schedule, now(), actor);
  }

  /** None of one that this release of croner, or of the time zones, reads no more. */
  #describe(schedule: Schedule): ScheduleDescription {
    const { enabled, expression } = schedule.settings;
    if (!enabled) return { schedule, nextTicksMs: [] };
    const nextTicksMs: number[] = [];
    try {
      const timetable = timetableOf(schedule, expression);
      let atMs: number | undefined = this.#ports.now();
      while (nextTicksMs.length < SCHEDULE_LIMITS.previewTicks) {
        atMs = timetable.nextAfter(atMs);
        if (atMs === undefined) break;
        nextTicksMs.push(atMs);
      }
    } catch (error) {
      if (!(error instanceof MayflyError)) throw error;
    }
    return { schedule, nextTicksMs };
  }
}
