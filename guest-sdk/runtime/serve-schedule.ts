/** Turns an author's `scheduled` into an implementation of mayfly:events/schedule-handler@0.1.0. */
import type { WireTick } from 'mayfly:events/schedule-handler@0.1.0';
import { flushWaitingLines, logError } from './console.ts';
import { type Environment, environment } from './environment.ts';
import { EventContent } from './event-content.ts';
import { EventContext, errorText } from './event-context.ts';
import { startServing } from './phase.ts';

class ScheduledEvent extends EventContent {
  readonly type = 'scheduled';
  readonly id: string;
  readonly attempts: number;
  readonly schedule: string;
  readonly scheduledTime: number;
  readonly cron: string;

  constructor(wire: WireTick) {
    super(wire.contentType, wire.input);
    this.id = wire.id;
    this.attempts = wire.attempt;
    this.schedule = wire.schedule;
    this.scheduledTime = Number(wire.scheduledAtMs);
    this.cron = wire.cron ?? '';
  }
}

interface Scheduled {
  scheduled(event: ScheduledEvent, env: Environment, context: EventContext): unknown;
}

export function serveSchedule(exported: unknown): { handle(wire: WireTick): Promise<void> } {
  return {
    async handle(wire) {
      startServing();
      flushWaitingLines();
      const context = new EventContext();
      try {
        await (exported as Scheduled).scheduled(new ScheduledEvent(wire), environment, context);
        await context.settled();
      } catch (error) {
        logError(error);
        throw errorText(error);
      }
    },
  };
}
