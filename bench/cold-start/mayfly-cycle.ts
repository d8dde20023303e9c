/**
 * The engine's own way: invocations as the front door begins them, on slots that are rewound after each.
 *
 * What a serving thread does in later turns of the event loop (giving a slot back, rewinding it, making one ahead) is
 * kept here until the bench runs it: outside of what `start` measures, inside of `cycle`.
 */
import { setHeapPolicy } from '../../host/heap-policy.ts';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import { type EnginePorts, RunningInvocation } from '../../host/instance/engine.ts';
import { choosePolicy } from '../../host/instance/rewind/rewind-policy.ts';
import { Slot } from '../../host/instance/slot.ts';
import { Slots } from '../../host/instance/slots.ts';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { LiveFunction } from '../../host/model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import { artifactOf } from '../../test/harness/artifact.ts';
import { enginePorts } from '../../test/harness/engine-ports.ts';
import { UNWATCHED_NOTE } from '../../test/harness/unwatched-note.ts';
import type { Cycle } from './cycle.ts';
import { HelloExchange } from './hello-exchange.ts';

/** As much fuel as a function may have: a hello must not be sliced differently by its configuration. */
const CONFIGURATION = { ...defaultConfiguration(), fuel: FUNCTION_LIMITS.fuel.hard };

export async function createMayflyCycle(component: Uint8Array): Promise<MayflyCycle> {
  // As the host does it.
  setHeapPolicy();
  return new MayflyCycle(await artifactOf(component));
}

export class MayflyCycle implements Cycle {
  readonly #artifact: LoadedArtifact;
  readonly #live: LiveFunction;
  readonly #later: (() => void)[] = [];
  readonly #slots: Slots;
  readonly #ports: EnginePorts;
  readonly #watched = new WeakSet<Slot>();
  #hasEntered = false;
  #enteredMs = Number.NaN;

  constructor(artifact: LoadedArtifact) {
    this.#artifact = artifact;
    this.#live = {
      tenant: 'bench' as TenantName,
      generation: 1,
      name: 'hello' as FunctionName,
      version: 1,
      handler: artifact.manifest.handler,
      artifactKey: artifact.key,
      configuration: CONFIGURATION,
    };
    this.#slots = new Slots({
      policy: choosePolicy('auto'),
      note: UNWATCHED_NOTE,
      budgetBytes: 2 ** 30,
      maxIdle: 16,
      later: (callback) => this.#later.push(callback),
      soon: (callback) => this.#later.push(callback),
      nowMs: () => performance.now(),
    });
    this.#ports = this.#createPorts();
  }

  async start(): Promise<number> {
    const startMs = performance.now();
    await this.#invoke();
    this.#runLater();
    return (this.#enteredMs - startMs) * 1_000;
  }

  async cycle(): Promise<number> {
    const startMs = performance.now();
    await this.#invoke();
    this.#runLater();
    return (performance.now() - startMs) * 1_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#slots.dispose();
    this.#runLater();
  }

  /** @throws Error unless it was answered as it should be, by a slot that was there before */
  async #invoke(): Promise<void> {
    const exchange = new HelloExchange();
    const { failure } = await new RunningInvocation(
      {
        invocationId: 'bench' as InvocationId,
        live: this.#live,
        artifact: this.#artifact,
        exchange,
        trigger: 'http',
        scriptName: '',
        outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
      },
      this.#ports,
    ).done;
    if (failure !== undefined) throw new Error(`${failure.code}: ${failure.detail}`);
    exchange.check();
  }

  #runLater(): void {
    for (let callback = this.#later.shift(); callback !== undefined; callback = this.#later.shift())
      callback();
    if (this.#slots.counts.lost > 0) throw new Error('a slot could not be rewound');
  }

  #createPorts(): EnginePorts {
    return enginePorts({
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      slots: {
        take: (live, artifact) => {
          const slot = this.#slots.take(live, artifact);
          if (slot === undefined) throw new Error(`no slot: ${this.#slots.describe(live, artifact).reason}`);
          this.#watch(slot);
          return slot;
        },
        giveBack: (live, artifact, slot) => this.#slots.giveBack(live, artifact, slot),
        retireGuest: (guest) => this.#slots.retireGuest(guest),
      },
    });
  }

  /** Notes when the guest is first entered: the call into its code is the next statement. */
  #watch(slot: Slot): void {
    if (this.#watched.has(slot)) return;
    this.#watched.add(slot);
    slot.begin = (run, imports) => {
      this.#hasEntered = false;
      const onEnter = (): void => {
        run.onEnter?.();
        if (this.#hasEntered) return;
        this.#hasEntered = true;
        this.#enteredMs = performance.now();
      };
      Slot.prototype.begin.call(slot, { ...run, onEnter }, imports);
    };
  }
}
