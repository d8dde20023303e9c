import type { Command } from 'commander';
import { FUNCTION_LIMITS } from '../../../host/limits/limits.ts';
import { collect, command, withClient } from '../command.ts';
import { configureFunction, type SettingsChange } from '../function-settings.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

type ConfigureOptions = GlobalOptions & SettingsChange;

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
        configureFunction(client, checkedName(name), options),
      );
      if (options.json) printJson(configuration);
      else
        for (const [key, value] of Object.entries(configuration))
          print(`${key} = ${typeof value === 'object' ? JSON.stringify(value) : value}`);
    });
}
