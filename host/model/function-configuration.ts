import { z } from 'zod';
import {
  FUNCTION_LIMITS,
  type FunctionLimitName,
  type FunctionLimitValues,
  HOST_LIMITS,
} from '../limits/limits.ts';
import { type Cors, corsSchema, type UrlAccess, urlAccessSchema } from './url-access.ts';

/** Least severe level that is kept. Standard output and error of a guest are `info` and `warn`. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'off'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A host that a function may call: `example.com`, `*.example.com` (any depth of subdomain) or either with
 * `:port`; without a port, 80 for http and 443 for https. `*` allows every public host.
 */
const allowedHostPattern =
  /^(?:\*|(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;

/** POSIX environment names. */
export const ENVIRONMENT_NAME: RegExp = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** NUL can be in neither name nor value. */
const environmentSchema = z
  .record(
    z.string().regex(ENVIRONMENT_NAME),
    z.string().refine((v) => !v.includes('\0'), 'must not contain NUL'),
  )
  .refine(
    (env) =>
      Object.entries(env).reduce((sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v), 0) <=
      HOST_LIMITS.environmentBytes,
    `names and values together are bounded by ${HOST_LIMITS.environmentBytes} bytes`,
  );

function limitSchema(name: FunctionLimitName): z.ZodNumber {
  const { floor, hard, unit, reason } = FUNCTION_LIMITS[name];
  return z.number().int().min(floor).max(hard).describe(`Unit: ${unit}. ${reason}`);
}

/** What the author of a function may set. Unknown keys are errors, so that a typo cannot pass for a default. */
export const functionConfigurationPatchSchema = z
  .strictObject({
    memoryBytes: limitSchema('memoryBytes'),
    tableEntries: limitSchema('tableEntries'),
    fuel: limitSchema('fuel'),
    timeoutMs: limitSchema('timeoutMs'),
    requestBytes: limitSchema('requestBytes'),
    responseBytes: limitSchema('responseBytes'),
    headerCount: limitSchema('headerCount'),
    headerBytes: limitSchema('headerBytes'),
    logBytes: limitSchema('logBytes'),
    tmpBytes: limitSchema('tmpBytes'),
    concurrency: limitSchema('concurrency'),
    reservedConcurrency: limitSchema('reservedConcurrency'),
    requestsPerSecond: limitSchema('requestsPerSecond'),
    requestBurst: limitSchema('requestBurst'),
    environment: environmentSchema,
    allowedHosts: z.array(z.string().toLowerCase().regex(allowedHostPattern)).max(100),
    logLevel: z.enum(LOG_LEVELS),
    access: urlAccessSchema.describe("Who may call the function's URL."),
    cors: corsSchema
      .nullable()
      .describe(
        "What scripts of other origins may do with the function's URL; null: the function answers for itself.",
      ),
  })
  .partial();

export type FunctionConfigurationPatch = z.infer<typeof functionConfigurationPatchSchema>;

/** The settings of one function, complete. They belong to the function, not to a version: a rollback keeps them. */
export interface FunctionConfiguration extends FunctionLimitValues {
  readonly environment: Readonly<Record<string, string>>;
  readonly allowedHosts: readonly string[];
  readonly logLevel: LogLevel;
  readonly access: UrlAccess;
  readonly cors: Cors | null;
}

export function defaultConfiguration(): FunctionConfiguration {
  const limits = Object.fromEntries(
    Object.entries(FUNCTION_LIMITS).map(([name, limit]) => [name, limit.default]),
  );
  return {
    ...(limits as FunctionLimitValues),
    environment: {},
    allowedHosts: [],
    logLevel: 'info',
    access: { type: 'public' },
    cors: null,
  };
}

/** Settings that a patch names replace the old ones whole (`environment` and `allowedHosts` included). */
export function applyPatch(
  base: FunctionConfiguration,
  patch: FunctionConfigurationPatch,
): FunctionConfiguration {
  const set = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...base, ...set } as FunctionConfiguration;
}
