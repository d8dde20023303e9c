/**
 * From a live function to a place in which an invocation of it may run: at once, after a wait, or a refusal that says
 * which quota forbids it and when to come back. Nothing of a body is read before, and no instance is touched.
 */
import { MayflyError } from '../errors/errors.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { Quarantine } from '../model/quarantine.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Admission, Applicant, Place, Refusal } from '../scheduler/admission.ts';
import type { WaitingRoom } from '../scheduler/waiting-room.ts';

/** A live function, its tenant, and the columns of both in the quota table. */
export interface LiveRoute {
  readonly live: LiveFunction;
  readonly tenant: Pick<Tenant, 'settings'>;
  readonly tenantColumn: number;
  readonly functionColumn: number;
  readonly quarantine?: Quarantine;
  /** Where the functions of an isolated tenant run, and the change count under which this is known. */
  readonly process?: { readonly socketPath: string; readonly count: number };
}

/** Refusals of the same quota whose resets lie no further apart are told as one, for as long. */
const SAME_RESET_MS = 100;

interface Told {
  readonly refusal: Refusal;
  readonly untilMs: number;
  readonly error: MayflyError;
}

export class Gate {
  readonly #admission: Admission;
  readonly #waitingRoom: WaitingRoom;
  /** What a function's callers were told last. */
  readonly #told = new WeakMap<LiveFunction, Told>();

  constructor(admission: Admission, waitingRoom: WaitingRoom) {
    this.#admission = admission;
    this.#waitingRoom = waitingRoom;
  }

  /**
   * @param untilGone asked for only if the invocation has to wait: aborts when nobody waits for it any more. Where it is
   *   absent, it is refused instead: whoever keeps an event asks again, and takes nobody's place in the waiting room
   * @returns a refusal as a value: function_quarantined, too_many_invocations, quota_exceeded, budget_exhausted or host_busy. To throw
   *   it through the layers above takes 13 µs, which is what a flood would have to spend on being refused. A wait rejects with the same, with
   *   draining or caller_gone
   */
  enter(route: LiveRoute, untilGone: (() => AbortSignal) | undefined): Place | Promise<Place> | MayflyError {
    const { live, quarantine, tenantColumn, functionColumn } = route;
    if (quarantine !== undefined) return quarantined(quarantine);
    const applicant: Applicant = {
      tenant: tenantColumn,
      function: functionColumn,
      configuration: live.configuration,
    };
    const verdict = this.#admission.ask(applicant, untilGone !== undefined);
    switch (verdict.kind) {
      case 'place':
        return verdict;
      case 'queued':
        return this.#wait(live, applicant, verdict.timeoutMs, untilGone!());
      default:
        return this.#refused(live, verdict);
    }
  }

  /** The same error for as long as it says the same: to make one costs more than to decide. */
  #refused(live: LiveFunction, refusal: Refusal): MayflyError {
    const nowMs = performance.now();
    const before = this.#told.get(live);
    if (before !== undefined && nowMs < before.untilMs && isSame(before.refusal, refusal))
      return before.error;
    const error = refused(live, refusal);
    this.#told.set(live, { refusal, untilMs: nowMs + SAME_RESET_MS, error });
    return error;
  }

  /** Lets nobody wait any more. */
  close(): void {
    this.#waitingRoom.clear();
  }

  async #wait(
    live: LiveFunction,
    applicant: Applicant,
    timeoutMs: number,
    gone: AbortSignal,
  ): Promise<Place> {
    const outcome = await this.#waitingRoom.wait(applicant, timeoutMs, gone);
    if (outcome?.kind === 'place') return outcome;
    if (outcome !== undefined) throw refused(live, outcome, timeoutMs);
    if (gone.aborted) throw new MayflyError('caller_gone', 'The caller closed the connection.');
    throw new MayflyError('draining', 'The host has shut down.');
  }
}

function isSame(told: Refusal, refusal: Refusal): boolean {
  if (told.kind === 'quota' && refusal.kind === 'quota') {
    return (
      told.name === refusal.name &&
      told.scope === refusal.scope &&
      told.limit === refusal.limit &&
      Math.abs((told.resetAtMs ?? 0) - (refusal.resetAtMs ?? 0)) <= SAME_RESET_MS
    );
  }
  if (told.kind === 'function-busy' && refusal.kind === 'function-busy') return told.limit === refusal.limit;
  return told.kind === refusal.kind;
}

function refused(live: LiveFunction, refusal: Refusal, waitedMs = 0): MayflyError {
  switch (refusal.kind) {
    case 'function-busy':
      return new MayflyError(
        'too_many_invocations',
        `${refusal.limit} invocations of '${live.name}' are running.`,
        {
          quota: {
            name: 'concurrency',
            scope: 'function',
            limit: refusal.limit,
            resetAtMs: Date.now() + 1_000,
          },
        },
      );
    case 'budget-exhausted':
      return new MayflyError('budget_exhausted', `Tenant '${live.tenant}' has cost what it may this month.`);
    case 'host-busy':
      return new MayflyError('host_busy', 'All places of the host that are shared by its tenants are taken.');
    case 'quota': {
      const { kind: _, ...quota } = refusal;
      return new MayflyError('quota_exceeded', explain(live, refusal, waitedMs), { quota });
    }
  }
}

function explain(
  { tenant, name: functionName }: LiveFunction,
  { name, scope, limit }: Refusal & { kind: 'quota' },
  waitedMs: number,
): string {
  const whose = scope === 'tenant' ? `Tenant '${tenant}'` : `Function '${functionName}'`;
  const waited = waitedMs > 0 ? ` Nothing became free in ${waitedMs} ms.` : '';
  return `${whose} has used up its ${name} of ${limit}.${waited}`;
}

function quarantined({ sinceMs, reason, version }: Quarantine): MayflyError {
  return new MayflyError(
    'function_quarantined',
    `Version ${version} is quarantined since ${new Date(sinceMs).toISOString()}: ${reason}`,
  );
}
