/**
 * Whose fault it is when serving threads die. What the host knows is which functions a thread was running, and not
 * what each of them did; so it judges by repetition.
 *
 * 1. A death is a blame of 1, shared equally by the tenants that had something running. Each function of a tenant
 *    bears its tenant's whole share: with a hundred functions one cannot hide.
 * 2. Who bears {@link QUARANTINE}.blame within the window is quarantined, unless acquitted: of its invocations at least
 *    `survivorsPerLoss` have survived for each that was lost since the first. A busy function beside a killer loses a
 *    few calls of thousands; the killer has nothing but losses.
 * 3. Who is known to have kept a thread bears all of it, and nothing acquits: a guest that hangs at each hundredth call would go on for ever.
 * 4. What is older than the window is forgotten, and so is everything about a version that was quarantined.
 */
import { QUARANTINE } from '../limits/limits.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { Quarantine } from '../model/quarantine.ts';

/** A function that was running on a thread that died. */
export interface Suspect {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  /** Its invocations that have ended by themselves, counted from anywhere; wraps at 32 bits. */
  readonly ended: number;
}

interface Loss {
  readonly atMs: number;
  readonly blame: number;
  readonly ended: number;
  readonly cause: string;
  /** Whether it is known to be its doing. */
  readonly isProven: boolean;
}

export class Blame {
  readonly #losses = new Map<string, Loss[]>();

  /**
   * Takes a death into account; gives the versions that have become unbearable by it.
   * @param isProven whether it is known that each of them has done it, and not only that they were there
   */
  record(suspects: readonly Suspect[], cause: string, nowMs: number, isProven = false): Quarantine[] {
    this.#forget(nowMs);
    const tenants = new Set(suspects.map(({ tenant }) => tenant)).size;
    return suspects.flatMap((suspect) => {
      const key = `${suspect.tenant}/${suspect.name}@${suspect.version}`;
      const losses = this.#losses.get(key) ?? [];
      losses.push({ atMs: nowMs, blame: 1 / tenants, ended: suspect.ended, cause, isProven });
      this.#losses.set(key, losses);
      if (!isToBlame(losses)) return [];
      this.#losses.delete(key);
      const { tenant, name, version } = suspect;
      return [{ tenant, name, version, sinceMs: nowMs, reason: reasonOf(losses) }];
    });
  }

  #forget(nowMs: number): void {
    for (const [key, losses] of this.#losses) {
      const recent = losses.filter(({ atMs }) => nowMs - atMs <= QUARANTINE.windowMs);
      if (recent.length === 0) this.#losses.delete(key);
      else this.#losses.set(key, recent);
    }
  }
}

function isToBlame(losses: readonly Loss[]): boolean {
  const [first] = losses;
  const last = losses.at(-1);
  if (first === undefined || last === undefined) return false;
  // Shares such as a third add up to not quite the whole.
  const blame = losses.reduce((sum, loss) => sum + loss.blame, 1e-9);
  if (losses.filter(({ isProven }) => isProven).length >= QUARANTINE.blame) return true;
  const survivors = (last.ended - first.ended) >>> 0;
  return blame >= QUARANTINE.blame && survivors < losses.length * QUARANTINE.survivorsPerLoss;
}

function reasonOf(losses: readonly Loss[]): string {
  const minutes = QUARANTINE.windowMs / 60_000;
  const causes = [...new Set(losses.map(({ cause }) => cause))].join('; ');
  return `Serving threads were lost, or close to it, ${losses.length} times within ${minutes} minutes while it ran (${causes}).`;
}
