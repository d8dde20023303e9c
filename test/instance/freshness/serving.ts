/** Invocations of one function as a serving thread runs them, one after another, with everything there is to see of each. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../../host/errors/errors.ts';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { RunningInvocation } from '../../../host/instance/engine.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import type { RoadWish } from '../../../host/instance/rewind/road.ts';
import type { Slot } from '../../../host/instance/slot.ts';
import { Slots } from '../../../host/instance/slots.ts';
import {
  defaultConfiguration,
  type FunctionConfiguration,
} from '../../../host/model/function-configuration.ts';
import type { LiveFunction } from '../../../host/model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../../../host/model/ids.ts';
import type { InstanceFacts } from '../../../host/model/instance-facts.ts';
import type { LogRecord } from '../../../host/model/log-record.ts';
import type { Clock, OutboundHttp } from '../../../host/wasi/context.ts';
import { BufferSource } from '../../../host/wasi/io/buffer-source.ts';
import type { ByteSource } from '../../../host/wasi/io/bytes.ts';
import { enginePorts } from '../../harness/engine-ports.ts';
import { UNWATCHED_NOTE } from '../../harness/unwatched-note.ts';
import { type ExchangeOptions, TestExchange } from '../../wasi/http/support/exchange.ts';
import { differenceOf, type Observed, observe } from '../rewind/stateful-guest.ts';

/** Everything that anybody can see of an invocation. */
export interface Seen {
  readonly failure: ErrorCode | undefined;
  readonly fuel: number;
  readonly peakMemoryBytes: number;
  readonly log: readonly string[];
  readonly status: number | undefined;
  readonly headers: readonly string[];
  /** In hexadecimal if it is short, a digest else. */
  readonly body: string;
}

export interface Running {
  readonly exchange: TestExchange;
  readonly invocation: RunningInvocation;
  /** Once the invocation has ended, and its slot, if it has one, is back. */
  seen(): Promise<Seen>;
}

export interface ServingOptions {
  readonly road?: RoadWish;
  readonly configuration?: Partial<FunctionConfiguration>;
  readonly clock?: Clock;
  readonly outbound?: OutboundHttp;
  readonly trigger?: 'http' | 'event';
  /** As a thread does it: behind the answer. */
  readonly soon?: (callback: () => void) => void;
  /** Megabytes are compared each time that a slot's state is looked at. */
  readonly lookEvery?: number;
}

/** Time stands still, and whoever sleeps does so for good: nothing of an answer depends on the machine. */
export const STILL_CLOCK: Clock = {
  monotonicResolutionNs: 1n,
  wallResolutionNs: 1n,
  wallNs: () => 1_700_000_000_000_000_000n,
  monotonicNs: () => 5n,
  sleepUntil: () => new Promise(() => {}),
};

const NO_OUTBOUND: OutboundHttp = { send: () => Promise.reject(new Error('nothing is sent')) };

/** A caller's body of which `first` has arrived, and no more does before `more` is called. */
export class OpenBody implements ByteSource {
  readonly #chunks: Uint8Array[];
  readonly #waiting: (() => void)[] = [];

  constructor(first: string) {
    this.#chunks = [Buffer.from(first)];
  }

  more(text: string): void {
    this.#chunks.push(Buffer.from(text));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  read(maxBytes: number): Uint8Array {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return new Uint8Array(0);
    if (chunk.length > maxBytes) this.#chunks.unshift(chunk.subarray(maxBytes));
    return chunk.subarray(0, maxBytes);
  }

  isReady(): boolean {
    return this.#chunks.length > 0;
  }

  ready(): Promise<void> {
    if (this.isReady()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {}
}

export class Serving {
  readonly slots: Slots;
  /** Fuel that its tenant's share was charged with, at each time. */
  readonly charges: number[] = [];
  /** What was wrong with slots when they were taken or given back. */
  readonly differences: string[] = [];
  readonly artifact: LoadedArtifact;
  readonly #options: ServingOptions;
  readonly #live: LiveFunction;
  /** What a slot was like when it was first taken, and the very first of them. */
  readonly #states = new WeakMap<Slot, Observed>();
  #firstState: Observed | undefined;
  #taken = 0;
  #lastSlot: Slot | undefined;

  constructor(artifact: LoadedArtifact, options: ServingOptions = {}) {
    this.artifact = artifact;
    this.#options = options;
    this.slots = new Slots({
      policy: choosePolicy(options.road ?? 'auto'),
      note: UNWATCHED_NOTE,
      budgetBytes: 2 ** 30,
      maxIdle: 100,
      later: setImmediate,
      soon: options.soon ?? process.nextTick,
      nowMs: () => 0,
    });
    this.#live = {
      tenant: 'test' as TenantName,
      name: 'test' as FunctionName,
      generation: 1,
      version: 1,
      artifactKey: artifact.key,
      handler: artifact.manifest.handler,
      configuration: { ...defaultConfiguration(), ...options.configuration },
    };
  }

  /** How often an invocation got a slot. */
  get taken(): number {
    return this.#taken;
  }

  /** How instances come about. */
  get facts(): InstanceFacts {
    return this.slots.describe(this.#live, this.artifact);
  }

  get lastSlot(): Slot | undefined {
    return this.#lastSlot;
  }

  start(request: ExchangeOptions = {}, isOfCaller = false): Running {
    const exchange = new TestExchange(
      typeof request.body === 'string'
        ? { ...request, body: new BufferSource(Buffer.from(request.body)) }
        : request,
    );
    const log: string[] = [];
    const invocation = new RunningInvocation(
      {
        invocationId: 'test' as InvocationId,
        live: this.#live,
        artifact: this.artifact,
        exchange,
        trigger: this.#options.trigger ?? 'http',
        scriptName: '',
        outbound: this.#options.outbound ?? NO_OUTBOUND,
      },
      enginePorts({
        clock: this.#options.clock ?? STILL_CLOCK,
        randomBytes: (length) => new Uint8Array(length).fill(4),
        park: (_tenant, fuel, resume) => {
          this.charges.push(fuel);
          setImmediate(resume);
        },
        goOn: (_tenant, fuel) => void this.charges.push(fuel),
        charge: (_tenant, fuel) => void this.charges.push(fuel),
        log: ({ message }: LogRecord) => void log.push(withoutFrames(message)),
        slots: {
          take: (live, artifact) => this.#take(live, artifact),
          giveBack: (live, artifact, slot) => {
            let isQuiet = false;
            slot.guest.whenQuiet(() => {
              isQuiet = true;
            });
            if (!isQuiet) this.differences.push('a stack was left when the slot was given back');
            this.slots.giveBack(live, artifact, slot);
          },
          retireGuest: (guest) => this.slots.retireGuest(guest),
        },
      }),
    );
    const text = isOfCaller
      ? Promise.resolve('')
      : exchange.text().catch((error: unknown) => `broken: ${String(error)}`);
    return {
      exchange,
      invocation,
      seen: async () => {
        const { failure, fuel, peakMemoryBytes } = await invocation.done;
        if (failure !== undefined) exchange.response.sink.abort(new Error('failed'));
        await this.idle();
        const { status, responseHeaders } = exchange;
        return {
          failure: failure?.code,
          fuel,
          peakMemoryBytes,
          log,
          status,
          headers: responseHeaders,
          body: digest(await text),
        };
      },
    };
  }

  call(request: ExchangeOptions = {}): Promise<Seen> {
    return this.start(request).seen();
  }

  /** Until no slot is in use, and those to be made ahead are made. */
  async idle(): Promise<void> {
    do await new Promise(setImmediate);
    while (this.slots.counts.busy > 0);
    await new Promise(setImmediate);
  }

  [Symbol.dispose](): void {
    this.slots.dispose();
  }

  #take(live: LiveFunction, artifact: LoadedArtifact): Slot | undefined {
    const slot = this.slots.take(live, artifact);
    if (slot === undefined) return undefined;
    this.#taken++;
    this.#lastSlot = slot;
    if (this.#taken % (this.#options.lookEvery ?? 1) !== 0) return slot;
    const now = look(slot);
    const before = this.#states.get(slot);
    if (before === undefined) this.#states.set(slot, { ...now, memories: [] });
    this.#firstState ??= { ...now, memories: now.memories.map((memory) => Buffer.from(memory)) };
    // References are those of one slot, numbers and bytes are those of all.
    const difference =
      differenceOf(withoutReferences(this.#firstState), withoutReferences(now)) ??
      (before && differenceOf(before, now));
    if (difference !== undefined) this.differences.push(difference);
    return slot;
  }
}

/** The state of a slot that is about to be used, its memories in place. */
function look({ coreInstances: instances }: Slot): Observed {
  const memories = instances.flatMap(({ exports, state }) =>
    state.memories.map((name) => Buffer.from((exports[name] as WebAssembly.Memory).buffer)),
  );
  const others = instances.map(({ exports, state }) => ({ exports, state: { ...state, memories: [] } }));
  return { ...observe({ instances: others }), memories };
}

/** Functions of two instances are never the same, but their names (their indices) are. */
function withoutReferences({ memories, tables, globals }: Observed): Observed {
  return { memories, tables: tables.map((table) => table.map(nameOf)), globals: globals.map(nameOf) };
}

function nameOf(value: unknown): unknown {
  return typeof value === 'function' ? `function ${value.name}` : value;
}

/** Which functions are inlined into others, and so missing from a stack, depends on how often they ran. */
function withoutFrames(message: string): string {
  return message.split('\n    at ', 1)[0]!;
}

function digest(text: string): string {
  if (text.length <= 1_024) return Buffer.from(text, 'latin1').toString('hex');
  return createHash('sha256').update(text, 'latin1').digest('hex');
}
