import type { Command } from 'commander';
import type { ConfigurationJson, FunctionJson } from '../../../host/control-plane/schemas.ts';
import { FUNCTION_LIMITS, type FunctionLimitName } from '../../../host/limits.ts';
import type { FunctionConfigurationPatch } from '../../../host/model/function-configuration.ts';
import type { Client } from '../client.ts';
import { collect, command, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { parseQuantity } from '../quantity.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface ConfigureOptions extends GlobalOptions {
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

const EXAMPLE = `mayfly configure hello --memory 64MiB --timeout 5s --allow-host api.example.com
mayfly configure hello --env GREETING=hi --set responseBytes=1MiB`;

export function configureCommand(): Command {
  return command('configure', 'change settings of a function; the others stay as they are', EXAMPLE)
    .argument('<name>', 'the function')
    .option('--memory <bytes>', 'linear memory of an invocation, such as 64MiB')
    .option('--timeout <time>', 'wall-clock time of an invocation, such as 5s')
    .option('--fuel <count>', 'instructions of an invocation, such as 500M')
    .option('--concurrency <count>', 'invocations at the same time')
    .option(
      '--log-level <level>',
      'the least severe level that is kept: trace, debug, info, warn, error or off',
    )
    .option('--env <key=value>', 'set an environment variable (repeatable)', collect)
    .option('--unset-env <key>', 'remove an environment variable (repeatable)', collect)
    .option(
      '--allow-host <host>',
      'a host that the function may call, such as *.example.com (repeatable)',
      collect,
    )
    .option('--forbid-host <host>', 'take a host off that list (repeatable)', collect)
    .option('--access <whom>', 'who may call its URL: public, key, or authorizer:<function>')
    .option('--identity-header <name>', 'what tells callers of an authorizer apart (repeatable)', collect)
    .option(
      '--cors <json>',
      'what scripts of other origins may do, such as \'{"allowOrigins":["*"]}\'; or none',
    )
    .option(
      '--set <setting=value>',
      `any setting (repeatable): ${Object.keys(FUNCTION_LIMITS).join(', ')}`,
      collect,
    )
    .action(async (name: string, options: ConfigureOptions) => {
      const configuration = await withClient(options, (client) =>
        configure(client, checkedName(name), options),
      );
      if (options.json) printJson(configuration);
      else
        for (const [key, value] of Object.entries(configuration))
          print(`${key} = ${typeof value === 'object' ? JSON.stringify(value) : value}`);
    });
}

async function configure(
  client: Client,
  name: string,
  options: ConfigureOptions,
): Promise<ConfigurationJson> {
  const path = client.functionsPath(`/${name}`);
  const patch: FunctionConfigurationPatch = {
    ...limitPatch(options),
    ...urlPatch(options),
    ...(await mergedPatch(client, path, options)),
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
}: ConfigureOptions): Record<string, unknown> {
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

function urlPatch({ access, identityHeader, cors }: ConfigureOptions): Record<string, unknown> {
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
  options: ConfigureOptions,
): Promise<FunctionConfigurationPatch> {
  const { env = [], unsetEnv = [], allowHost = [], forbidHost = [] } = options;
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
