/**
 * The slots of all functions of one thread: a pool of them (slot-pool.ts), and a factory per artifact.
 *
 * Two functions may be of the same artifact: they share its image, which holds nothing but what initialisation made
 * of the uploaded bytes, and no slot.
 */
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { InstanceFacts } from '../model/instance-facts.ts';
import type { LoadedArtifact } from './artifact.ts';
import type { Guest } from './guest.ts';
import type { GuestNote } from './guest-note.ts';
import { retireMemory } from './rewind/retired-memory.ts';
import type { RewindPolicy } from './rewind/rewind-policy.ts';
import type { Slot } from './slot.ts';
import { SlotFactory } from './slot-factory.ts';
import { SlotPool, type SlotPoolCounts, type SlotPoolOptions } from './slot-pool.ts';

export interface SlotsOptions extends Omit<SlotPoolOptions, 'onFailure'> {
  readonly policy: RewindPolicy;
  /** The thread's: initialisation is guests' code, too. */
  readonly note: GuestNote;
}

export class Slots {
  readonly #policy: RewindPolicy;
  readonly #note: GuestNote;
  readonly #later: SlotsOptions['later'];
  readonly #pool: SlotPool<Slot>;
  /** An obstacle is known as long as the thread holds the artifact. */
  readonly #factories = new WeakMap<LoadedArtifact, SlotFactory>();

  constructor({ policy, note, ...options }: SlotsOptions) {
    this.#policy = policy;
    this.#note = note;
    this.#later = options.later;
    this.#pool = new SlotPool({
      ...options,
      onFailure: (error) => {
        if (!(error instanceof NoSlot)) throw error;
      },
    });
  }

  get counts(): SlotPoolCounts {
    return this.#pool.counts;
  }

  /** A clean slot, which is given back once; undefined where each invocation makes an instance of its own. */
  take(live: LiveFunction, artifact: LoadedArtifact): Slot | undefined {
    const factory = this.#factoryOf(artifact);
    if (factory === undefined || factory.obstacle !== undefined) return undefined;
    try {
      let isCold = false;
      const slot = this.#pool.take(keyOf(live), () => {
        isCold = true;
        return makeBy(factory, live);
      });
      slot.isCold = isCold;
      if (fits(slot, live)) return slot;
      this.giveBack(live, artifact, slot);
      return undefined;
    } catch (error) {
      if (error instanceof NoSlot) return undefined;
      throw error;
    }
  }

  /** Once the guest of the slot is quiet. */
  giveBack(live: LiveFunction, artifact: LoadedArtifact, slot: Slot): void {
    const factory = this.#factoryOf(artifact);
    if (factory !== undefined) this.#pool.giveBack(keyOf(live), slot, () => makeBy(factory, live));
  }

  /** What an instance takes that was used once and is quiet, in a later turn: what it wrote may be on its way out. */
  retireGuest(guest: Guest): void {
    const { kernel } = this.#policy;
    if (kernel === undefined) return;
    this.#later(() => {
      for (const memory of guest.memories) retireMemory(memory, kernel);
    });
  }

  /** Sees to it that a clean slot will be there. */
  prepare(live: LiveFunction, artifact: LoadedArtifact): void {
    const factory = this.#factoryOf(artifact);
    if (factory !== undefined && factory.obstacle === undefined)
      this.#pool.prepare(keyOf(live), () => makeBy(factory, live));
  }

  /**
   * Gives up the idle slots of every version of a function, of earlier tenants of the name too, but of one.
   * @returns whether the function had any slots, that one's among them
   */
  retire(tenant: TenantName, name: FunctionName, kept: LiveFunction | undefined): boolean {
    const keptKey = kept && keyOf(kept);
    const keys = this.#pool.keysOf(`${tenant}/${name}`);
    for (const key of keys) if (key !== keptKey) this.#pool.drop(key);
    return keys.length > 0;
  }

  /** Gives up what functions that were not called lately have more than one of. */
  trim(): void {
    this.#pool.trim();
  }

  /** How instances of a function come about here; tries it out if nobody has yet. */
  describe(live: LiveFunction, artifact: LoadedArtifact): InstanceFacts {
    const factory = this.#factoryOf(artifact);
    if (factory === undefined) return { road: 'glue', rewind: 'fresh', reason: artifact.manifest.roadReason };
    if (factory.slots === 0) factory.make({ live })?.dispose();
    const { obstacle } = factory;
    if (obstacle !== undefined) return { road: 'linked', rewind: 'fresh', reason: obstacle };
    const { road, reasons } = this.#policy;
    return { road: 'linked', rewind: road, reason: reasons.length === 0 ? null : reasons.join('; ') };
  }

  dispose(): void {
    this.#pool.dispose();
  }

  #factoryOf(artifact: LoadedArtifact): SlotFactory | undefined {
    const { road } = artifact;
    if (road.kind !== 'linked') return undefined;
    let factory = this.#factories.get(artifact);
    if (factory === undefined) {
      factory = new SlotFactory(artifact, road.plan, this.#policy, this.#note);
      this.#factories.set(artifact, factory);
    }
    return factory;
  }
}

/** The factory has just found an obstacle. */
class NoSlot extends Error {
  override readonly name = 'NoSlot';
}

function makeBy(factory: SlotFactory, live: LiveFunction): Slot {
  const slot = factory.make({ live });
  if (slot === undefined) throw new NoSlot();
  return slot;
}

/** Initialisation took no more than the function may: else it would have gone another way under its accounts. */
function fits({ start: { fuel, memory, tables } }: Slot, { configuration }: LiveFunction): boolean {
  return (
    fuel <= configuration.fuel &&
    memory.peak <= configuration.memoryBytes &&
    tables.peak <= configuration.tableEntries
  );
}

/** A route is resolved once, and then it is the same object for every call. */
const keys = new WeakMap<LiveFunction, string>();

/**
 * A version of an earlier tenant of the name is another one's code. The artifact, too: what a slot runs must never
 * hang on versions not being used again.
 */
function keyOf(live: LiveFunction): string {
  let key = keys.get(live);
  if (key === undefined) {
    const { tenant, generation, name, version, artifactKey } = live;
    key = `${tenant}/${name}/${generation}/${version}/${artifactKey}`;
    keys.set(live, key);
  }
  return key;
}
