/**
 * The only reader of the environment: raw -> validated -> resolved, in one pure step. Units are in the names,
 * an unknown `MAYFLY_` variable is an error that names the nearest known one.
 */
import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { ROAD_WISHES, type RoadWish } from './instance/rewind/road.ts';
import {
  FUNCTION_LIMITS,
  type FunctionLimitName,
  type FunctionLimitValues,
  HOST_LIMITS,
} from './limits/limits.ts';
import type { UsageRetention } from './metering/ledger.ts';
import type { TelemetryConfig } from './metering/telemetry/telemetry-config.ts';
import { isSigningSecret } from './model/webhook-signature.ts';
import { nearest } from './nearest-name.ts';
import { OTEL_KEY_VARIABLES, OTEL_SETTINGS, resolveOtel } from './otel-settings.ts';
import type { MasterKeySource } from './store/master-keys.ts';
import { redisAddress } from './store/queues/redis-address.ts';

export interface HostConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The origin that is kept for functions; the console is served under any other name. Absent: they share all names. */
  readonly functionsUrl: string | undefined;
  /** Where people look at a trace, `{trace_id}` in it standing for its id. */
  readonly traceUrl: string | undefined;
  readonly dataDir: string;
  /** Given by the operator; otherwise one is made and stored. */
  readonly adminKey: string | undefined;
  /** Serving threads. */
  readonly threads: number;
  /** Threads that are loaded, and wait to replace one that dies. */
  readonly spareThreads: number;
  /** Whether the examples are deployed at start where they are missing. */
  readonly examples: boolean;
  readonly componentBytes: number;
  readonly functionsPerTenant: number;
  readonly publishTimeoutMs: number;
  readonly publishMemoryBytes: number;
  readonly publishQueue: number;
  /** Whether what an older release published is metered again. */
  readonly remetering: boolean;
  readonly drainTimeoutMs: number;
  readonly connectionsPerThread: number;
  readonly threadHeapBytes: number;
  /** Processor time for which a guest may keep a serving thread without a check. */
  readonly threadHungMs: number;
  readonly ceilings: FunctionLimitValues;
  /** How slots are put back after an invocation. */
  readonly rewind: RoadWish;
  /** For instances that lie ready, over all threads. */
  readonly idleMemoryBytes: number;
  /** How long usage is kept, by level. */
  readonly usageRetention: UsageRetention;
  readonly telemetry: TelemetryConfig;
  /** Where the keys for secrets come from; nowhere, and there are none. */
  readonly masterKeys: MasterKeySource;
  /** Where queues are kept, for several hosts; in the data folder where it is absent. */
  readonly redis: RedisConfig | undefined;
  /** Signs budget alerts (Standard Webhooks). */
  readonly webhookSecret: string | undefined;
}

export interface RedisConfig {
  /** With the password, if there is one. */
  readonly url: string;
  /** Of all keys. */
  readonly keyPrefix: string;
  /** Replicas of it that have a message when it is accepted. */
  readonly replicas: number;
}

/** A setting that does not parse or does not exist. The message is for the operator's terminal. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Setting {
  readonly variable: string;
  readonly about: string;
}

const ceilingVariable = (name: FunctionLimitName): string =>
  `MAYFLY_CEILING_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

const CEILINGS = Object.keys(FUNCTION_LIMITS) as FunctionLimitName[];

/**
 * 4,000 of the smallest instances, or 500 of a JavaScript engine. More would be memory for functions
 * that nobody calls: 1,500 of the smallest, each called once, took 139 KB each. Linking one anew takes 0.2 ms.
 */
const IDLE_MEMORY_BYTES = Math.min(2 ** 29, Math.floor(totalmem() / 4));

/** Records of this month and the one before it, so that a bill can be proved when it arrives. */
const USAGE_DAYS = { record: 62, minute: 7, hour: 400, day: 3_660 } as const;

/** Tenants and functions of each that have metrics of their own: 20,000 functions, of which each takes about 70 lines of a scrape. */
const METRICS_TENANTS = 200;
const METRICS_FUNCTIONS = 100;

/** 0.2 KB each, with their index. */
const USAGE_MAX_RECORDS = 10_000_000;

/** Every variable that the host reads, for `--help` and for the documentation. */
export const SETTINGS: readonly Setting[] = [
  { variable: 'MAYFLY_HOST', about: 'address to listen on (127.0.0.1)' },
  { variable: 'MAYFLY_PORT', about: 'port to listen on (8787)' },
  {
    variable: 'MAYFLY_FUNCTIONS_URL',
    about:
      "origin kept for functions, such as https://fn.example.com: their pages are not sandboxed there, and the console is not (none: functions are sandboxed under the console's name)",
  },
  {
    variable: 'MAYFLY_TRACE_URL',
    about: 'where to look at a trace, such as https://jaeger.example.com/trace/{trace_id} (no links)',
  },
  { variable: 'MAYFLY_DATA_DIR', about: 'folder for everything that is kept (.mayfly)' },
  { variable: 'MAYFLY_ADMIN_KEY', about: 'the admin key; made once and stored when absent' },
  { variable: 'MAYFLY_THREADS', about: 'serving threads (one per core)' },
  {
    variable: 'MAYFLY_SPARE_THREADS',
    about: 'loaded threads that wait to replace one that dies (1)',
  },
  { variable: 'MAYFLY_EXAMPLES', about: 'deploy the examples at start: 1 or 0 (1)' },
  { variable: 'MAYFLY_MAX_COMPONENT_BYTES', about: `largest upload (${HOST_LIMITS.componentBytes})` },
  { variable: 'MAYFLY_MAX_FUNCTIONS', about: `functions per tenant (${HOST_LIMITS.functionsPerTenant})` },
  { variable: 'MAYFLY_PUBLISH_TIMEOUT_MS', about: `time of one publish (${HOST_LIMITS.publishTimeoutMs})` },
  {
    variable: 'MAYFLY_PUBLISH_MEMORY_BYTES',
    about: `memory of one publish (${HOST_LIMITS.publishMemoryBytes})`,
  },
  { variable: 'MAYFLY_PUBLISH_QUEUE', about: `uploads that may wait (${HOST_LIMITS.publishQueue})` },
  {
    variable: 'MAYFLY_REMETERING',
    about: 'meter again what an older release published, in the background: 1 or 0 (1)',
  },
  { variable: 'MAYFLY_DRAIN_TIMEOUT_MS', about: `how long a stop waits (${HOST_LIMITS.drainTimeoutMs})` },
  {
    variable: 'MAYFLY_MAX_CONNECTIONS',
    about: `connections of a serving thread (${HOST_LIMITS.connectionsPerThread})`,
  },
  {
    variable: 'MAYFLY_THREAD_HEAP_BYTES',
    about: `JavaScript heap of a serving thread (${HOST_LIMITS.threadHeapBytes})`,
  },
  {
    variable: 'MAYFLY_THREAD_HUNG_MS',
    about: `processor time after which a serving thread that comes to no check is ended; more on a machine many times slower than others (${HOST_LIMITS.threadHungMs})`,
  },
  {
    variable: 'MAYFLY_REWIND',
    about: `how instances are put back: ${ROAD_WISHES.join(', ')} (auto: the best that the kernel has)`,
  },
  {
    variable: 'MAYFLY_IDLE_MEMORY_BYTES',
    about: 'memory of instances that lie ready, over all threads (512 MiB, at most a quarter of the memory)',
  },
  { variable: 'MAYFLY_USAGE_RECORD_DAYS', about: `days that usage records are kept (${USAGE_DAYS.record})` },
  { variable: 'MAYFLY_USAGE_MINUTE_DAYS', about: `the same of usage by the minute (${USAGE_DAYS.minute})` },
  { variable: 'MAYFLY_USAGE_HOUR_DAYS', about: `the same of usage by the hour (${USAGE_DAYS.hour})` },
  {
    variable: 'MAYFLY_USAGE_DAY_DAYS',
    about: `the same of usage by the day (${USAGE_DAYS.day}); months are kept for ever`,
  },
  {
    variable: 'MAYFLY_USAGE_MAX_RECORDS',
    about: `usage records kept at most, which bounds the file (${USAGE_MAX_RECORDS})`,
  },
  {
    variable: 'MAYFLY_METRICS_TENANTS',
    about: `tenants with metrics of their own; more are counted as _other (${METRICS_TENANTS})`,
  },
  {
    variable: 'MAYFLY_METRICS_FUNCTIONS',
    about: `the same of functions, and of queues, of each tenant (${METRICS_FUNCTIONS})`,
  },
  {
    variable: 'MAYFLY_METRICS_TOKEN',
    about: 'bearer token that opens /metrics alone (the admin key does, too)',
  },
  {
    variable: 'MAYFLY_WEBHOOK_SECRET',
    about: 'signs budget alerts: whsec_ and 24 to 64 bytes in base64 (they are not signed)',
  },
  { variable: 'MAYFLY_SECRETS_KEY', about: 'key that seals secrets: 32 bytes in base64 (no secrets)' },
  {
    variable: 'MAYFLY_SECRETS_KEY_FILE',
    about: 'file with that key instead, older ones on the lines below it',
  },
  { variable: 'MAYFLY_SECRETS_OLD_KEYS', about: 'keys before a change of the key, with commas between them' },
  { variable: 'MAYFLY_REDIS_URL', about: 'Redis that keeps the queues, shared by several hosts (a file)' },
  { variable: 'MAYFLY_REDIS_PREFIX', about: 'what its keys begin with (mayfly)' },
  {
    variable: 'MAYFLY_REDIS_REPLICAS',
    about: 'replicas of it that must have a message before it is accepted (0)',
  },
  ...CEILINGS.map((name) => ({
    variable: ceilingVariable(name),
    about: `highest ${name} a function may set (${FUNCTION_LIMITS[name].ceiling})`,
  })),
  ...OTEL_SETTINGS,
];

/** Variables that hold keys. */
export const KEY_VARIABLES: readonly string[] = [
  'MAYFLY_ADMIN_KEY',
  'MAYFLY_METRICS_TOKEN',
  'MAYFLY_WEBHOOK_SECRET',
  'MAYFLY_SECRETS_KEY',
  'MAYFLY_SECRETS_OLD_KEYS',
  'MAYFLY_REDIS_URL',
  ...OTEL_KEY_VARIABLES,
];

/** Read by the command line, not by the host; both may live in one environment. */
const CLIENT_VARIABLES = ['MAYFLY_URL', 'MAYFLY_KEY', 'MAYFLY_TENANT'];

export function resolveConfig(env: Environment, cwd: string): HostConfig {
  refuseUnknown(env);
  const ceilings = Object.fromEntries(
    CEILINGS.map((name) => {
      const { ceiling, floor, hard } = FUNCTION_LIMITS[name];
      return [name, integer(env, ceilingVariable(name), ceiling, floor, hard)];
    }),
  ) as FunctionLimitValues;
  return {
    host: env['MAYFLY_HOST'] ?? '127.0.0.1',
    port: integer(env, 'MAYFLY_PORT', 8787, 0, 65_535),
    functionsUrl: functionsUrl(env),
    traceUrl: traceUrl(env),
    dataDir: resolve(cwd, env['MAYFLY_DATA_DIR'] ?? '.mayfly'),
    adminKey: bearerKey(env, 'MAYFLY_ADMIN_KEY'),
    threads: integer(env, 'MAYFLY_THREADS', availableParallelism(), 1, 64),
    spareThreads: integer(env, 'MAYFLY_SPARE_THREADS', 1, 0, 8),
    examples: flag(env, 'MAYFLY_EXAMPLES', true),
    componentBytes: integer(env, 'MAYFLY_MAX_COMPONENT_BYTES', HOST_LIMITS.componentBytes, 1, 2 ** 30),
    functionsPerTenant: integer(env, 'MAYFLY_MAX_FUNCTIONS', HOST_LIMITS.functionsPerTenant, 1, 1_000_000),
    publishTimeoutMs: integer(env, 'MAYFLY_PUBLISH_TIMEOUT_MS', HOST_LIMITS.publishTimeoutMs, 1, 3_600_000),
    publishMemoryBytes: integer(
      env,
      'MAYFLY_PUBLISH_MEMORY_BYTES',
      HOST_LIMITS.publishMemoryBytes,
      1,
      2 ** 40,
    ),
    publishQueue: integer(env, 'MAYFLY_PUBLISH_QUEUE', HOST_LIMITS.publishQueue, 1, 10_000),
    remetering: flag(env, 'MAYFLY_REMETERING', true),
    drainTimeoutMs: integer(env, 'MAYFLY_DRAIN_TIMEOUT_MS', HOST_LIMITS.drainTimeoutMs, 0, 3_600_000),
    connectionsPerThread: integer(
      env,
      'MAYFLY_MAX_CONNECTIONS',
      HOST_LIMITS.connectionsPerThread,
      1,
      1_000_000,
    ),
    threadHeapBytes: integer(
      env,
      'MAYFLY_THREAD_HEAP_BYTES',
      HOST_LIMITS.threadHeapBytes,
      64 * 2 ** 20,
      2 ** 40,
    ),
    threadHungMs: integer(env, 'MAYFLY_THREAD_HUNG_MS', HOST_LIMITS.threadHungMs, 1_000, 3_600_000),
    ceilings,
    rewind: oneOf(env, 'MAYFLY_REWIND', ROAD_WISHES, 'auto'),
    idleMemoryBytes: integer(env, 'MAYFLY_IDLE_MEMORY_BYTES', IDLE_MEMORY_BYTES, 0, 2 ** 50),
    usageRetention: usageRetention(env),
    telemetry: telemetry(env),
    masterKeys: masterKeys(env, cwd),
    redis: redis(env),
    webhookSecret: webhookSecret(env),
  };
}

function telemetry(env: Environment): TelemetryConfig {
  const scrapeToken = bearerKey(env, 'MAYFLY_METRICS_TOKEN');
  return {
    ...resolveOtel(env, (message) => new ConfigError(message)),
    series: {
      maxTenants: integer(env, 'MAYFLY_METRICS_TENANTS', METRICS_TENANTS, 0, 10_000),
      perTenant: integer(env, 'MAYFLY_METRICS_FUNCTIONS', METRICS_FUNCTIONS, 0, 10_000),
    },
    ...(scrapeToken === undefined ? {} : { scrapeToken }),
  };
}

function usageRetention(env: Environment): UsageRetention {
  const days = (level: keyof typeof USAGE_DAYS): number =>
    integer(env, `MAYFLY_USAGE_${level.toUpperCase()}_DAYS`, USAGE_DAYS[level], 1, 100_000);
  return {
    recordDays: days('record'),
    minuteDays: days('minute'),
    hourDays: days('hour'),
    dayDays: days('day'),
    maxRecords: integer(env, 'MAYFLY_USAGE_MAX_RECORDS', USAGE_MAX_RECORDS, 1_000, 1_000_000_000),
  };
}

function refuseUnknown(env: Environment): void {
  const known = [...SETTINGS.map((setting) => setting.variable), ...CLIENT_VARIABLES];
  for (const name of Object.keys(env)) {
    if (!name.startsWith('MAYFLY_') || known.includes(name)) continue;
    throw new ConfigError(`${name} is not a setting of Mayfly; did you mean ${nearest(name, known)}?`);
  }
}

function integer(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const text = env[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new ConfigError(`${name} is '${text}'; it must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function flag(env: Environment, name: string, fallback: boolean): boolean {
  const text = env[name];
  if (text === undefined) return fallback;
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new ConfigError(`${name} is '${text}'; it must be 1 or 0`);
}

function oneOf<const Value extends string>(
  env: Environment,
  name: string,
  values: readonly Value[],
  fallback: Value,
): Value {
  const text = env[name];
  if (text === undefined) return fallback;
  const value = values.find((each) => each === text);
  if (value === undefined)
    throw new ConfigError(`${name} is '${text}'; it must be one of ${values.join(', ')}`);
  return value;
}

function webhookSecret(env: Environment): string | undefined {
  const secret = env['MAYFLY_WEBHOOK_SECRET'];
  if (secret !== undefined && !isSigningSecret(secret))
    throw new ConfigError('MAYFLY_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64');
  return secret;
}

/** Browsers leave the default port out of `Host`, and so does this. */
function functionsUrl(env: Environment): string | undefined {
  const text = env['MAYFLY_FUNCTIONS_URL'];
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`)
    throw new ConfigError(
      `MAYFLY_FUNCTIONS_URL is '${text}'; it must be http:// or https://, a host and perhaps a port, and no more`,
    );
  return url.origin;
}

/** Other schemes would be scripts on a page that shows the link. */
function traceUrl(env: Environment): string | undefined {
  const text = env['MAYFLY_TRACE_URL'];
  if (text === undefined) return undefined;
  const protocol = URL.parse(text.replaceAll('{trace_id}', '0'.repeat(32)))?.protocol ?? '';
  if (!/^https?:$/.test(protocol) || !text.includes('{trace_id}'))
    throw new ConfigError(
      `MAYFLY_TRACE_URL is '${text}'; it must be http:// or https:// and have {trace_id} in it`,
    );
  return text;
}

function redis(env: Environment): RedisConfig | undefined {
  const url = env['MAYFLY_REDIS_URL'];
  const keyPrefix = env['MAYFLY_REDIS_PREFIX'] ?? 'mayfly';
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(keyPrefix))
    throw new ConfigError(
      'MAYFLY_REDIS_PREFIX must be 1 to 63 letters, digits, dots, hyphens and underscores',
    );
  if (url === undefined) return undefined;
  // The message names no password.
  if (redisAddress(url) === undefined)
    throw new ConfigError(
      'MAYFLY_REDIS_URL must be redis://host:port or redis-sentinel://host:port,host:port#group (rediss for TLS)',
    );
  return { url, keyPrefix, replicas: integer(env, 'MAYFLY_REDIS_REPLICAS', 0, 0, 16) };
}

function masterKeys(env: Environment, cwd: string): MasterKeySource {
  const key = env['MAYFLY_SECRETS_KEY'];
  const file = env['MAYFLY_SECRETS_KEY_FILE'];
  const old = env['MAYFLY_SECRETS_OLD_KEYS'];
  if (key !== undefined && file !== undefined)
    throw new ConfigError('MAYFLY_SECRETS_KEY and MAYFLY_SECRETS_KEY_FILE exclude one another');
  if (key === undefined && file === undefined && old !== undefined)
    throw new ConfigError('MAYFLY_SECRETS_OLD_KEYS needs a key that came after them in MAYFLY_SECRETS_KEY');
  return {
    ...(key === undefined ? {} : { key }),
    ...(file === undefined ? {} : { file: resolve(cwd, file) }),
    ...(old === undefined ? {} : { oldKeys: old.split(',').map((text) => text.trim()) }),
  };
}

/** 16 characters is the least that is not guessed at HTTP speed. */
function bearerKey(env: Environment, name: string): string | undefined {
  const key = env[name];
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{16,512}$/.test(key)) {
    throw new ConfigError(`${name} must be 16 to 512 visible ASCII characters`);
  }
  return key;
}
