/**
 * Makes events of what the clock says: each tick of a schedule is a message to its function's event queue, with a deduplication key, so that
 * several hosts make one event of it.
 *
 * 1. A tick is over when its message is durable; only then is it noted. A host that ends in between sends it again, and the queue knows it.
 * 2. The cursor of a schedule moves forwards only: a clock that is set back strikes nothing twice. (One that was wrong by more than
 *    {@link LONGEST_ERROR_MS} is believed again.)
 * 3. Ticks that came while no host ran, or while the clock jumped over them, are missed when the oldest is later than {@link ON_TIME_MS}: the
 *    schedule says what becomes of them. `last`: the latest of them is sent; `all`: each, the latest {@link MAX_MISSED} of the last day;
 *    `skip`: none, but for the latest if that one is on time.
 * 4. There is one timer, for the tick that comes first; at the latest after {@link LONGEST_SLEEP_MS}, so that a clock that jumps is noticed.
 */
import { FUNCTION_QUEUE, QUEUE_LIMITS } from '../limits/event-limits.ts';
import { CRON_ATTRIBUTE, SCHEDULE_ATTRIBUTE, SCHEDULED_AT_ATTRIBUTE } from '../model/event-attributes.ts';
import type { ScheduleName, TenantName } from '../model/ids.ts';
import { functionQueueSettings } from '../model/queue.ts';
import type { NewMessage } from '../model/queue-message.ts';
import type { MissedTicks, Schedule } from '../model/schedule.ts';
import type { QueueEngine } from '../store/queues/queue-engine.ts';
import { DueHeap } from './due-heap.ts';
import type {
  Randomness,
  Report,
  ScheduleDefinitions,
  SentTick,
  TriggerClock,
  TriggerDefinitions,
} from './ports.ts';
import { backoffMs } from './retry-policy.ts';
import { jitterOf, type Timetable, timetableOf } from './timetable.ts';

export interface SchedulesPorts {
  readonly engine: Pick<QueueEngine, 'send'>;
  readonly definitions: ScheduleDefinitions & Pick<TriggerDefinitions, 'functionFacts'>;
  readonly clock: TriggerClock;
  readonly random: Randomness;
  readonly report: Report;
}

/** One schedule that is enabled. Replaced, not changed, when its expression is. */
interface Entry {
  schedule: Schedule;
  readonly timetable: Timetable;
  /** Ticks up to it are over or {@link unsent}. */
  cursorMs: number;
  /** Ticks that are due, and not known to be durable. */
  unsent: number[];
}

/** Later than that, a tick was missed. A restart of the host takes seconds. */
const ON_TIME_MS = 60_000;
const MAX_MISSED = 1_000;
const LONGEST_SLEEP_MS = 60_000;
const LONGEST_ERROR_MS = 86_400_000;
/** Sends at a time. */
const SENDERS = 16;
/** For so long, and one schedule more, ticks are struck in one turn of the event loop: to make up for all of a day's takes one 0.1 s. */
const TURN_MS = 10;
/** Schedules that are read in one turn of the event loop: reading one takes up to 0.2 ms. */
const LOADED_PER_TURN = 50;
const SEND_BACKOFF = { baseMs: 500, maximumMs: 30_000, jitter: 'equal' } as const;

export class Schedules {
  readonly #ports: SchedulesPorts;
  readonly #entries = new Map<string, Entry>();
  readonly #due = new DueHeap<Entry>();
  readonly #toSend: Entry[] = [];
  readonly #failed: Entry[] = [];
  #failures = 0;
  #toSave: SentTick[] = [];
  #cancelTimer: () => void = () => {};
  #stopListening: () => void = () => {};
  #isStopped = false;
  #seenMs = 0;
  readonly #senders = new Set<Promise<void>>();
  #saving: Promise<void> | undefined;

  constructor(ports: SchedulesPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { definitions, clock } = this.#ports;
    this.#seenMs = clock.nowMs();
    this.#stopListening = definitions.onScheduleChange((tenant, name) => this.#follow(tenant, name));
    this.#load([...definitions.schedules()]);
  }

  /** When the schedule strikes next; undefined where it does not, or there is none. */
  nextTickMs(tenant: TenantName, name: ScheduleName): number | undefined {
    const entry = this.#entries.get(`${tenant}/${name}`);
    return entry?.timetable.nextAfter(Math.max(entry.cursorMs, this.#ports.clock.nowMs()));
  }

  /** Strikes nothing any more; resolves when what is on its way has arrived or failed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopListening();
    this.#cancelTimer();
    await Promise.all(this.#senders);
    await this.#saving;
  }

  #load(schedules: readonly Schedule[]): void {
    if (this.#isStopped) return;
    for (const { tenant, name } of schedules.slice(0, LOADED_PER_TURN)) {
      if (!this.#entries.has(`${tenant}/${name}`)) this.#follow(tenant, name);
    }
    const rest = schedules.slice(LOADED_PER_TURN);
    if (rest.length > 0) this.#ports.clock.after(0, () => this.#load(rest));
  }

  #follow(tenant: TenantName, name: ScheduleName): void {
    if (this.#isStopped) return;
    const key = `${tenant}/${name}`;
    const schedule = this.#ports.definitions.schedule(tenant, name);
    const entry = this.#entries.get(key);
    if (schedule?.settings.enabled !== true) {
      this.#entries.delete(key);
      return;
    }
    if (entry !== undefined && isSameTimetable(entry.schedule, schedule)) {
      entry.schedule = schedule;
      return;
    }
    try {
      this.#enter(key, schedule, entry?.unsent ?? []);
    } catch (error) {
      this.#entries.delete(key);
      this.#ports.report(`schedule ${key} cannot be read`, error);
    }
    this.#arm();
  }

  #enter(key: string, schedule: Schedule, unsent: number[]): void {
    const nowMs = this.#ports.clock.nowMs();
    // What was changed or enabled begins anew: its ticks of before were not this schedule's.
    const overMs = Math.max(schedule.lastTickMs ?? schedule.createdAtMs, schedule.updatedAtMs);
    const cursorMs = overMs > nowMs + LONGEST_ERROR_MS ? nowMs : overMs;
    const timetable = timetableOf(schedule, schedule.settings.expression);
    const entry: Entry = { schedule, timetable, cursorMs, unsent };
    this.#entries.set(key, entry);
    this.#plan(entry);
    if (unsent.length > 0) this.#send(entry);
  }

  #isCurrent(entry: Entry): boolean {
    return this.#entries.get(keyOf(entry)) === entry;
  }

  #plan(entry: Entry): void {
    const nextMs = entry.timetable.nextAfter(entry.cursorMs);
    if (nextMs !== undefined) this.#due.push(nextMs, entry);
  }

  #arm(): void {
    this.#cancelTimer();
    const { firstMs } = this.#due;
    if (this.#isStopped || firstMs === undefined) return;
    const delayMs = Math.min(Math.max(firstMs - this.#ports.clock.nowMs(), 0), LONGEST_SLEEP_MS);
    this.#cancelTimer = this.#ports.clock.after(delayMs, () => this.#turn());
  }

  #turn(): void {
    const nowMs = this.#ports.clock.nowMs();
    if (nowMs < this.#seenMs - LONGEST_ERROR_MS) this.#believe(nowMs);
    this.#seenMs = nowMs;
    const untilMs = performance.now() + TURN_MS;
    for (let entry = this.#due.popUntil(nowMs); entry !== undefined; entry = this.#due.popUntil(nowMs)) {
      if (this.#isCurrent(entry)) this.#strike(entry, nowMs);
      if (performance.now() > untilMs) break;
    }
    this.#arm();
  }

  /** The clock was far ahead: what it struck there is forgotten. */
  #believe(nowMs: number): void {
    this.#due.clear();
    for (const entry of this.#entries.values()) {
      entry.cursorMs = Math.min(entry.cursorMs, nowMs);
      this.#plan(entry);
    }
  }

  #strike(entry: Entry, nowMs: number): void {
    // Before that no queue knows any more which ticks another host has sent.
    const afterMs = Math.max(entry.cursorMs, nowMs - FUNCTION_QUEUE.deduplicationMs);
    const { timetable, schedule } = entry;
    const wanted = ticksToSend(timetable, afterMs, nowMs, schedule.settings.missedTicks);
    entry.cursorMs = nowMs;
    const isOnItsWay = entry.unsent.length > 0;
    entry.unsent = [...entry.unsent, ...wanted].slice(-MAX_MISSED);
    this.#plan(entry);
    if (!isOnItsWay && wanted.length > 0) this.#send(entry);
  }

  #send(entry: Entry): void {
    this.#toSend.push(entry);
    if (this.#senders.size >= SENDERS) return;
    const sender = this.#sendAll();
    this.#senders.add(sender);
    void sender.finally(() => this.#senders.delete(sender));
  }

  async #sendAll(): Promise<void> {
    for (let entry = this.#toSend.shift(); entry !== undefined; entry = this.#toSend.shift()) {
      while (this.#isCurrent(entry) && !this.#isStopped) {
        const ticks = this.#ticksOfCall(entry);
        if (ticks.length === 0) break;
        if (!(await this.#sendTicks(entry, ticks))) {
          this.#retryLater(entry);
          break;
        }
        this.#failures = 0;
        entry.unsent = entry.unsent.filter((tick) => !ticks.includes(tick));
        this.#save(entry, ticks.at(-1)!);
      }
    }
  }

  /** The oldest that wait, as many as one call of the queue takes. Those of which it knows no more whether another host has sent them are over. */
  #ticksOfCall(entry: Entry): readonly number[] {
    const knownAfterMs = this.#ports.clock.nowMs() - FUNCTION_QUEUE.deduplicationMs;
    entry.unsent = entry.unsent.filter((tick) => tick > knownAfterMs);
    const bytes = Buffer.byteLength(entry.schedule.settings.input);
    const most = Math.floor(QUEUE_LIMITS.sendBytes / Math.max(bytes, 1));
    return entry.unsent.slice(0, Math.min(most, QUEUE_LIMITS.sendMessages));
  }

  /** Whether they are durable, or there is nobody for them. */
  async #sendTicks({ schedule }: Entry, ticks: readonly number[]): Promise<boolean> {
    const { engine, definitions, report } = this.#ports;
    const { tenant, function: name } = schedule;
    const facts = definitions.functionFacts(tenant, name);
    if (facts === undefined) return true;
    try {
      const messages = ticks.map((tickMs) => tickMessage(schedule, tickMs));
      await engine.send(
        { kind: 'function', tenant, name },
        functionQueueSettings(facts.invokeConfig),
        messages,
      );
      return true;
    } catch (error) {
      if (this.#failed.length === 0)
        report(
          `ticks of schedule ${tenant}/${schedule.name}, and perhaps of others, wait for their queue`,
          error,
        );
      return false;
    }
  }

  /** One timer for all: where one cannot be sent, most cannot. */
  #retryLater(entry: Entry): void {
    const { clock, random } = this.#ports;
    this.#failed.push(entry);
    if (this.#failed.length > 1) return;
    clock.after(backoffMs(SEND_BACKOFF, ++this.#failures, random), () => {
      const failed = this.#failed.splice(0);
      for (const each of failed) if (this.#isCurrent(each) && !this.#isStopped) this.#send(each);
    });
  }

  /** One transaction for all that were sent meanwhile. */
  #save({ schedule: { tenant, name } }: Entry, tickMs: number): void {
    this.#toSave.push({ tenant, name, tickMs });
    this.#saving ??= this.#saveAll().finally(() => {
      this.#saving = undefined;
    });
  }

  async #saveAll(): Promise<void> {
    while (this.#toSave.length > 0) {
      // Sends that end in the same turn are saved together.
      await Promise.resolve();
      const ticks = this.#toSave;
      this.#toSave = [];
      try {
        await this.#ports.definitions.saveTicks(ticks);
      } catch (error) {
        // They are sent again after a restart, and the queue knows them.
        this.#ports.report(`${ticks.length} ticks were not noted as sent`, error);
      }
    }
  }
}

/** Of those in `(afterMs, nowMs]`. Of what was missed, only as much is looked at as is wanted: a minutely schedule has 1,440 ticks a day, of 0.1 ms each. */
function ticksToSend(
  timetable: Timetable,
  afterMs: number,
  nowMs: number,
  missed: MissedTicks,
): readonly number[] {
  const oldest = timetable.nextAfter(afterMs);
  if (oldest === undefined || oldest > nowMs) return [];
  if (nowMs - oldest <= ON_TIME_MS || missed === 'all') return timetable.within(afterMs, nowMs, MAX_MISSED);
  const [latest] = timetable.within(afterMs, nowMs, 1);
  return latest !== undefined && (missed === 'last' || nowMs - latest <= ON_TIME_MS) ? [latest] : [];
}

function tickMessage({ tenant, name, settings }: Schedule, tickMs: number): NewMessage {
  const { input, contentType, jitterMs, expression } = settings;
  return {
    body: Buffer.from(input),
    contentType,
    attributes: {
      [SCHEDULE_ATTRIBUTE]: name,
      [SCHEDULED_AT_ATTRIBUTE]: `${tickMs}`,
      ...(expression.type === 'cron' ? { [CRON_ATTRIBUTE]: expression.expression } : {}),
    },
    deduplicationKey: `schedule/${name}/${tickMs}`,
    ...(jitterMs === 0 ? {} : { deliverAtMs: tickMs + jitterOf({ tenant, name }, tickMs, jitterMs) }),
  };
}

function isSameTimetable(one: Schedule, other: Schedule): boolean {
  return JSON.stringify(one.settings.expression) === JSON.stringify(other.settings.expression);
}

function keyOf({ schedule }: Entry): string {
  return `${schedule.tenant}/${schedule.name}`;
}
