/**
 * Every bound of the host, with its unit, its reason and, where it follows from another one, its derivation.
 * Relations between bounds are asserted when the host starts (see {@link assertLimitRelations}).
 */
import { TENANT_QUOTAS } from './tenant-quota-limits.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** One setting of a function: what it is unless set, and the range within which it may be set. */
export interface FunctionLimit {
  readonly default: number;
  readonly floor: number;
  /** The operator's ceiling; `MAYFLY_CEILING_<NAME>` overrides it, up to `hard`. */
  readonly ceiling: number;
  /** What no operator can exceed, because the engine or the protocol cannot. */
  readonly hard: number;
  readonly unit: 'By' | 'ms' | '1' | 'fuel';
  readonly reason: string;
}

/** Limits that hold for one invocation; every one can be set per function. */
export const FUNCTION_LIMITS = {
  memoryBytes: {
    default: 128 * MiB,
    floor: 64 * KiB,
    ceiling: 1 * GiB,
    hard: 4 * GiB,
    unit: 'By',
    reason:
      'Linear memory over all memories of an instance, and what structs and arrays take; a 32-bit memory ends at 4 GiB.',
  },
  tableEntries: {
    default: 200_000,
    floor: 0,
    ceiling: 2_000_000,
    hard: 10_000_000,
    unit: '1',
    reason:
      'Entries over all tables of an instance; V8 allows 10,000,000 in one. A large JavaScript engine needs about 20,000.',
  },
  fuel: {
    default: 10_000_000_000,
    floor: 1_000,
    ceiling: 1_000_000_000_000,
    hard: Number.MAX_SAFE_INTEGER,
    unit: 'fuel',
    reason: 'Instructions per invocation; 10^10 is some seconds on one core.',
  },
  timeoutMs: {
    default: 10_000,
    floor: 1,
    ceiling: 900_000,
    hard: 2 ** 31 - 1,
    unit: 'ms',
    reason:
      "Wall-clock time from admission to the last byte of the response. Node's timers end at 2^31-1 ms.",
  },
  requestBytes: {
    default: 100 * MiB,
    floor: 0,
    ceiling: 16 * GiB,
    hard: Number.MAX_SAFE_INTEGER,
    unit: 'By',
    reason: 'Bodies stream, so this bounds traffic, not memory.',
  },
  responseBytes: {
    default: 100 * MiB,
    floor: 0,
    ceiling: 16 * GiB,
    hard: Number.MAX_SAFE_INTEGER,
    unit: 'By',
    reason: 'Bodies stream, so this bounds traffic, not memory.',
  },
  headerCount: {
    default: 128,
    floor: 1,
    ceiling: 1_000,
    hard: 2_000,
    unit: '1',
    reason: 'Fields of one request or response; Node parses at most 2,000.',
  },
  headerBytes: {
    default: 32 * KiB,
    floor: 256,
    ceiling: 64 * KiB,
    hard: 1 * MiB,
    unit: 'By',
    reason: 'Names plus values of one request or response.',
  },
  logBytes: {
    default: 256 * KiB,
    floor: 0,
    ceiling: 16 * MiB,
    hard: 1 * GiB,
    unit: 'By',
    reason: 'What one invocation may write to its log.',
  },
  tmpBytes: {
    default: 16 * MiB,
    floor: 0,
    ceiling: 256 * MiB,
    hard: 2 * GiB,
    unit: 'By',
    reason: 'Files under /tmp live in host memory for the length of the invocation.',
  },
  concurrency: {
    default: 100,
    floor: 1,
    ceiling: 1_000,
    hard: 10_000,
    unit: '1',
    reason: 'Invocations of one function at the same time, over all threads.',
  },
  reservedConcurrency: {
    default: 0,
    floor: 0,
    ceiling: 1_000,
    hard: 10_000,
    unit: '1',
    reason:
      "Places among the tenant's concurrency that are kept for this function, whatever its other functions do.",
  },
  requestsPerSecond: {
    default: 1_000_000,
    floor: 1,
    ceiling: 1_000_000,
    hard: 1_000_000,
    unit: '1',
    reason: 'Rate of invocations of one function, over all threads; more are refused at once.',
  },
  requestBurst: {
    default: 1_000_000,
    floor: 1,
    ceiling: 1_000_000,
    hard: 1_000_000,
    unit: '1',
    reason: 'Invocations that may come at once after a pause, ahead of requestsPerSecond.',
  },
} as const satisfies Record<string, FunctionLimit>;

export type FunctionLimitName = keyof typeof FUNCTION_LIMITS;
export type FunctionLimitValues = { readonly [K in FunctionLimitName]: number };

/** When a function is taken out of service for killing serving threads (see worker/quarantine.ts). */
export const QUARANTINE = {
  /** Blame at which it is; a thread's death is 1, shared by the functions that it was running. */
  blame: 3,
  /** Deaths longer ago than this are forgotten. */
  windowMs: 600_000,
  /** A function of whose invocations at least this many survive for each that was lost is not to blame. */
  survivorsPerLoss: 100,
} as const;

/** How fast a serving thread tells a tenant that it is over its quota (see scheduler/refusal-pace.ts). */
export const REFUSALS = {
  /** A refusal takes 0.1 ms on an idle machine: 1 % of the thread. */
  perSecond: 100,
  burst: 50,
  maxDelayMs: 1_000,
  /** A tenth of the connections that a thread keeps. */
  maxHeld: 1_000,
} as const;

/** Structural bounds on an upload. The biggest real component measured (StarlingMonkey, 12 MB) is far below each. */
export const COMPONENT_LIMITS = {
  /** Core and nested components together. wit-component emits 4-10 modules, jco's own output at most 20. */
  modules: 64,
  /** Component-in-component depth; composed components are 2-3 deep. */
  componentDepth: 16,
  /** Functions over all core modules; StarlingMonkey has about 24,000, esbuild 20,000. V8 ends at 1,000,000. */
  functions: 65_536,
  types: 65_536,
  imports: 10_000,
  exports: 10_000,
  globals: 65_536,
  dataSegments: 100_000,
  elementSegments: 65_536,
  /** Nested blocks in one function body. Large Rust modules reach 803 (measured); V8 and our rewriter are linear in it. */
  blockDepth: 900,
  /** One function body; V8 refuses 7,654,321 bytes. */
  functionBytes: 7 * MiB,
  /** Locals of one function; V8 refuses more than 50,000. */
  locals: 50_000,
  /** Locals summed over all functions: a 3-byte declaration can ask for 50,000 of them. */
  localsTotal: 4_000_000,
  /** Nested lists, records and the like in component types. */
  typeDepth: 64,
} as const;

/** Bounds of the host as a whole; each can be set by the operator (see config.ts). */
export const HOST_LIMITS = {
  /** Uploads; four times a StarlingMonkey component with a large bundle in it. */
  componentBytes: 64 * MiB,
  functionsPerTenant: 1_000,
  /** API keys of one tenant: one for each place that holds one, many times over. */
  keysPerTenant: 100,
  /** Wall-clock time of one publish. A 12 MB component takes 5-10 s on a busy core. */
  publishTimeoutMs: 60_000,
  /** Resident memory of the publishing process. jco holds the component about 20 times over; 12 MB needs 700 MB. */
  publishMemoryBytes: 2 * GiB,
  /** Uploads waiting for the publisher; more are told to come back. */
  publishQueue: 16,
  /** Environment of one function, names plus values. Lambda's bound is 4 KiB; ours is what fits an image comfortably. */
  environmentBytes: 64 * KiB,
  /** Secrets of one function; together they are bounded like its environment. */
  secretsPerFunction: 64,
  /** JSON bodies of the control plane. */
  jsonBodyBytes: 256 * KiB,
  /** Log kept per function; the oldest goes first. */
  logRetainedBytesPerFunction: 1 * MiB,
  /** The same over all functions of a tenant: 64 of them at their own bound. */
  logRetainedBytesPerTenant: 64 * MiB,
  /**
   * Instances that lie ready, over all threads. Each memory of one reserves 8 GiB of the 128 TiB of address space and
   * takes two to four of the 65,530 mappings that Linux gives a process (`vm.max_map_count`).
   */
  idleSlots: 8_000,
  /** Entries of the audit log for one tenant; the oldest go first. About 300 bytes each, 8 KiB at most. */
  auditEntriesPerTenant: 100_000,
  /** How long a stop waits for invocations in flight. */
  drainTimeoutMs: 30_000,
  /** Invocations at the same time, of all tenants over all threads: each takes about 0.1 MiB of host memory beside its own. */
  concurrency: 10_000,
  /** Events of queues and schedules that a serving thread is asked to run at a time: it holds the messages of each. */
  eventsPerThread: 1_000,
  /** Connections that a serving thread keeps open: about 15 KiB each, and one file descriptor. */
  connectionsPerThread: 10_000,
  /** JavaScript heap of a serving thread. Parked guests take 57 to 79 KiB of it each, so that 10,000 of them fit twice. */
  threadHeapBytes: 2 * GiB,
  /**
   * Processor time for which a serving thread may be kept without a check of fuel and without a turn of its event loop. The longest slice that was
   * found took 1.6 s of it (exceptions, thrown and caught in a loop, before they cost what they take), an ordinary one takes 6.5 ms at most.
   */
  threadHungMs: 10_000,
} as const;

/**
 * How long an artifact stays that no version runs on any more. Who resolved the function before may wait for a place, 60 s at most, before it
 * loads it.
 */
export const SUPERSEDED_ARTIFACT_MS = 300_000;

/**
 * A tenant's share of a busy thread, relative to the other tenants that want it. The range is four orders of
 * magnitude: below a hundredth a debt of one slice would take a hundred rounds to pay.
 */
export const TENANT_WEIGHT = { default: 1, floor: 0.01, ceiling: 100 } as const;

/**
 * Fuel that a guest runs before the thread looks after others. Over the 30 programs of bench/programs it takes
 * 1.2 ms at the median in optimised code (0.5 to 3.0) and 2.9 ms in V8's baseline code (1.0 to 6.5). A turn of the
 * event loop behind it costs 3 to 15 µs (`npm run bench -- fairness`, slice_cost), so half of it would cost twice as
 * much of the thread; twice of it would double what everyone else waits.
 */
export const FUEL_SLICE = 10_000_000;

/** Calls of a function to decide over a call of another one: its caller waits for both. */
export const AUTHORIZER_LIMITS = {
  /** From the question to the end of the answer; the authorizer's own timeoutMs may be shorter. */
  timeoutMs: 10_000,
  answerBytes: 16 * KiB,
  /** What it passes on to the function; a header field has to hold it. */
  contextBytes: 4 * KiB,
  /** How long an answer may be kept. */
  ttlSeconds: 3_600,
  /** Answers kept per thread for one tenant; a new one pushes out the oldest of the same tenant. */
  cacheBytesPerTenant: 1 * MiB,
} as const;

/**
 * Step of a coarse clock (see wasi/clocks/coarse-clock.ts). Node's timers count milliseconds, too: nothing that a guest
 * can wait for is lost by it.
 */
export const COARSE_CLOCK_STEP_NS = 1_000_000n;

/** Live handles of one component instance (on the glue: of one of its resource types); a server that answers a request needs a dozen. */
export const HANDLES_PER_TABLE = 10_000;

/**
 * What a guest may add to its trace (wasi/otel/); more is left out and counted. Counts per span are a fourth of what OpenTelemetry's SDKs have
 * unless they are set: a span of ours is one of many tenants'.
 */
export const GUEST_SPANS = {
  /** Also of all invocations of a tenant that end on one thread within 200 ms (worker/telemetry-relay.ts): 640 a second. */
  perInvocation: 128,
  /** What they take together, within the same bounds. */
  bytes: 64 * KiB,
  attributes: 32,
  events: 32,
  links: 8,
  /** Of a span, an event, a scope or a key, in characters. */
  nameLength: 128,
  /** A longer string is cut. */
  valueLength: 1_024,
  /** A list is cut, too. */
  valueItems: 32,
} as const;

/**
 * Host memory that the arguments or the result of one call may take. Lists of lists may name the same bytes over and
 * over, so that a page of a guest's memory describes terabytes. Wasmtime has the same bound for the same reason.
 */
export const LIFTED_BYTES_PER_CALL: number = 128 * MiB;

/** Bytes that a body may hold in host memory between its producer and its consumer: a few TCP windows. */
export const STREAM_BUFFER_BYTES: number = 64 * KiB;

export const WASM_PAGE_BYTES: number = 64 * KiB;

export const BACKUP_LIMITS = {
  /** Left of the disk by a backup, by what is known when it begins: queues, bills and logs go on growing while it is made. */
  reserveBytes: 64 * MiB,
} as const;

/** Fails at start, not at the first unlucky request, if the bounds above contradict one another. */
export function assertLimitRelations(): void {
  for (const [name, limit] of Object.entries(FUNCTION_LIMITS)) {
    const ordered =
      limit.floor <= limit.default && limit.default <= limit.ceiling && limit.ceiling <= limit.hard;
    if (!ordered) throw new RangeError(`limit ${name}: floor <= default <= ceiling <= hard does not hold`);
  }
  for (const [name, { floor, default: usual, hard }] of Object.entries(TENANT_QUOTAS)) {
    if (floor > usual || usual > hard)
      throw new RangeError(`quota ${name}: floor <= default <= hard does not hold`);
  }
  if (TENANT_QUOTAS.concurrency.hard > HOST_LIMITS.concurrency)
    throw new RangeError('a tenant may run more than the host');
  if (TENANT_QUOTAS.queueTimeoutMs.hard >= SUPERSEDED_ARTIFACT_MS)
    throw new RangeError('an artifact may go before who waits for a place has loaded it');
  if (FUNCTION_LIMITS.memoryBytes.floor < WASM_PAGE_BYTES)
    throw new RangeError('memory floor is below one page');
  if (FUEL_SLICE * 10 > FUNCTION_LIMITS.fuel.default)
    throw new RangeError('a default budget is under ten slices');
  if (COMPONENT_LIMITS.functionBytes > HOST_LIMITS.componentBytes)
    throw new RangeError('a function may be larger than an upload');
}
