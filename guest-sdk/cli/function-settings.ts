/** Settings of a function, from what a person types to what the host is asked for. */
import type { ConfigurationJson, FunctionJson } from '../../host/control-plane/schemas.ts';
import { FUNCTION_LIMITS, type FunctionLimitName } from '../../host/limits/limits.ts';
import type { FunctionConfigurationPatch } from '../../host/model/function-configuration.ts';
import type { Client } from './client.ts';
import { CliError } from './exit-code.ts';
import { parseQuantity } from './quantity.ts';

/** As it is written on a command line. */
export interface SettingsChange {
  readonly memory?: string;
  readonly timeout?: string;
  readonly fuel?: string;
  readonly concurrency?: string;
  readonly logLevel?: string;
  readonly env?: readonly string[];
  readonly unsetEnv?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly forbidHost?: readonly string[];
  readonly set?: readonly string[];
  readonly access?: string;
  readonly identityHeader?: readonly string[];
  readonly cors?: string;
}

/** @throws {CliError} `usage` where it says nothing, or is not written as it should be */
export async function configureFunction(
  client: Client,
  name: string,
  change: SettingsChange,
): Promise<ConfigurationJson> {
  const path = client.functionsPath(`/${name}`);
  const patch: FunctionConfigurationPatch = {
    ...limitPatch(change),
    ...urlPatch(change),
    ...(await mergedPatch(client, path, change)),
  };
  if (Object.keys(patch).length === 0)
    throw new CliError('usage', 'nothing to change: name a setting, such as --memory 64MiB');
  return client.json<ConfigurationJson>({
    method: 'PATCH',
    path: `${path}/configuration`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(patch),
  });
}

function splitPair(text: string, option: string): [key: string, value: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new CliError('usage', `${option} ${text}: write it as name=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function isLimit(key: string): key is FunctionLimitName {
  return Object.hasOwn(FUNCTION_LIMITS, key);
}

/** Settings that are one value. What is no limit is passed on, and the host judges it. */
function limitPatch({
  memory,
  timeout,
  fuel,
  concurrency,
  logLevel,
  set = [],
}: SettingsChange): Record<string, unknown> {
  const named = { memoryBytes: memory, timeoutMs: timeout, fuel, concurrency, logLevel };
  const given = Object.entries(named).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const pairs = [...given, ...set.map((text) => splitPair(text, '--set'))];
  return Object.fromEntries(
    pairs.map(([key, value]) => [
      key,
      isLimit(key) ? parseQuantity(value, FUNCTION_LIMITS[key].unit) : parseLoose(value),
    ]),
  );
}

function urlPatch({ access, identityHeader, cors }: SettingsChange): Record<string, unknown> {
  return {
    ...(access === undefined ? {} : { access: parseAccess(access, identityHeader) }),
    ...(cors === undefined ? {} : { cors: cors === 'none' ? null : parseLoose(cors) }),
  };
}

/** What it is not is passed on as it is, and the host judges it. */
function parseAccess(text: string, identityHeaders: readonly string[] | undefined): object {
  const [type = '', name] = text.split(':', 2);
  return {
    type,
    ...(name === undefined ? {} : { function: name }),
    ...(identityHeaders === undefined ? {} : { identityHeaders }),
  };
}

/** JSON where it is JSON, else the text itself. */
function parseLoose(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The host replaces environment and hosts whole, so that what stays is read first. */
async function mergedPatch(
  client: Client,
  path: string,
  { env = [], unsetEnv = [], allowHost = [], forbidHost = [] }: SettingsChange,
): Promise<FunctionConfigurationPatch> {
  const changesEnvironment = env.length + unsetEnv.length > 0;
  const changesHosts = allowHost.length + forbidHost.length > 0;
  const variables = env.map((text) => splitPair(text, '--env'));
  if (!changesEnvironment && !changesHosts) return {};
  const { configuration } = await client.json<FunctionJson>({ method: 'GET', path });
  const kept = Object.entries(configuration.environment).filter(([key]) => !unsetEnv.includes(key));
  const hosts = new Set([...configuration.allowedHosts, ...allowHost]);
  for (const host of forbidHost) hosts.delete(host);
  return {
    ...(changesEnvironment ? { environment: Object.fromEntries([...kept, ...variables]) } : {}),
    ...(changesHosts ? { allowedHosts: [...hosts] } : {}),
  };
}
