/**
 * Makes the slots of one artifact on one thread, all of them in the state that initialisation leaves.
 *
 * 1. Initialisation runs without an invocation: it gets no function of the host. If it calls one, fails, or leaves a
 *    state that cannot be put back, the artifact has no slots (`obstacle` says why), and each invocation makes an
 *    instance of its own. So an image holds what follows from the component alone: no environment of a function, no
 *    random number, no time of day.
 * 2. The image of that state is there as long as a slot is.
 */
import type { PreparedPlan } from '../component/prepared-plan.ts';
import { FUEL_SLICE, FUNCTION_LIMITS } from '../limits/limits.ts';
import type { LoadedArtifact } from './artifact.ts';
import { FuelAccount } from './fuel-account.ts';
import { Guest } from './guest.ts';
import type { GuestNote, GuestOwner } from './guest-note.ts';
import type { GuestRun } from './guest-run.ts';
import { linkGuest } from './linked-guest.ts';
import type { RewindPolicy } from './rewind/rewind-policy.ts';
import { StateImage } from './rewind/state-image.ts';
import { type Imports, type LinkedInstance, Slot, type StartSpace, type StartUse } from './slot.ts';
import { SpaceAccount } from './space-account.ts';

/** More than a start function may use before it is ended (guest.ts). */
const START_FUEL = 200 * FUEL_SLICE;

export class SlotFactory {
  readonly #artifact: LoadedArtifact;
  readonly #plan: PreparedPlan;
  readonly #policy: RewindPolicy;
  readonly #note: GuestNote;
  #image: StateImage | undefined;
  #slots = 0;
  #obstacle: string | undefined;

  constructor(artifact: LoadedArtifact, plan: PreparedPlan, policy: RewindPolicy, note: GuestNote) {
    this.#artifact = artifact;
    this.#plan = plan;
    this.#policy = policy;
    this.#note = note;
    this.#obstacle =
      policy.road === 'fresh'
        ? 'rewinding is turned off'
        : artifact.manifest.modules.find(hasObstacle)?.state.obstacles[0];
  }

  /** Why each invocation makes an instance of its own, as far as it is known. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  get slots(): number {
    return this.#slots;
  }

  /** A clean slot for a function of the artifact; undefined if there is an obstacle. */
  make(owner: GuestOwner): Slot | undefined {
    if (this.#obstacle !== undefined) return undefined;
    const started = this.#start(owner);
    if (typeof started === 'string') {
      this.#obstacle = started;
      return undefined;
    }
    const { instance, start } = started;
    const { instances, headrooms } = instance;
    // Another slot may find another state only if the engine is not deterministic; it would be an obstacle, too.
    this.#image ??= StateImage.capture(instances, this.#policy, headrooms);
    const state = this.#image.apply(instances, headrooms);
    this.#obstacle =
      this.#image.obstacle ?? (state === undefined ? 'initialisation is not repeatable' : undefined);
    if (this.#obstacle !== undefined || state === undefined) {
      this.#disposeImage();
      return undefined;
    }
    this.#slots++;
    return new Slot(instance, start, state, () => {
      state.dispose();
      this.#slots--;
      this.#disposeImage();
    });
  }

  #start(owner: GuestOwner): { readonly instance: LinkedInstance; readonly start: StartUse } | string {
    const { artifact, run, failures } = this.#startRun(owner);
    let imports: Imports | undefined;
    const guest = new Guest(run);
    try {
      const linked = linkGuest(guest, {
        plan: this.#plan,
        modules: artifact.modules,
        states: artifact.states,
        imports: () => {
          if (imports === undefined) throw new Error('there is no invocation');
          return imports;
        },
      });
      guest.end();
      // Whatever it says after it was refused is no outcome.
      if (guest.calledHostAtStart) return 'initialisation calls the host';
      if (failures.length > 0) return 'initialisation fails';
      // An account that grants more, or less, would leave another state.
      if (run.memory.refused || run.tables.refused)
        return 'initialisation is refused memory or table entries';
      linked.component.reset();
      const start = { fuel: run.fuel.used, memory: spaceOf(run.memory), tables: spaceOf(run.tables) };
      const bind = (next: Imports | undefined): void => {
        imports = next;
      };
      return { instance: { ...linked, guest, bind }, start };
    } catch {
      return guest.calledHostAtStart ? 'initialisation calls the host' : 'initialisation fails';
    }
  }

  /** Initialisation may use as much as any function may be allowed to; whether it is allowed to is asked at each call. */
  #startRun(owner: GuestOwner): { artifact: LoadedArtifact; run: GuestRun; failures: unknown[] } {
    const artifact = this.#artifact;
    const failures: unknown[] = [];
    const run: GuestRun = {
      fuel: new FuelAccount(START_FUEL),
      memory: new SpaceAccount(FUNCTION_LIMITS.memoryBytes.hard, artifact.initialMemoryBytes),
      tables: new SpaceAccount(FUNCTION_LIMITS.tableEntries.hard, artifact.initialTableEntries),
      onTrap: (error) => failures.push(error),
      isOver: () => false,
      yieldThread: () => {
        throw new Error('initialisation cannot be parked');
      },
      keepsThread: () => false,
      // A start function that calls the host is no slot's.
      mustEnd: () => false,
      goOn: () => undefined,
      note: this.#note,
      owner,
    };
    return { artifact, run, failures };
  }

  /** Invariant 2. */
  #disposeImage(): void {
    if (this.#slots > 0) return;
    this.#image?.[Symbol.dispose]();
    this.#image = undefined;
  }
}

function spaceOf({ used, peak }: SpaceAccount): StartSpace {
  return { used, peak };
}

function hasObstacle({ state }: LoadedArtifact['manifest']['modules'][number]): boolean {
  return state.obstacles.length > 0;
}
