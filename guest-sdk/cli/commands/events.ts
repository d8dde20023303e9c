import type { Command } from 'commander';
import type {
  EventInvokeConfigJson,
  FunctionEventsJson,
} from '../../../host/control-plane/trigger-schemas.ts';
import { command, withClient } from '../command.ts';
import { given } from '../definition.ts';
import { type AttemptOptions, attemptSettings, properties, withAttempts } from '../event-options.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

const EXAMPLE = `mayfly events report
mayfly events report --maximum-attempts 2 --maximum-age 1h --on-failure queue:failed`;

export function eventsCommand(): Command {
  return withAttempts(
    command('events', 'show or set how asynchronous invocations of a function are tried', EXAMPLE).argument(
      '<name>',
      'the function',
    ),
  ).action(async (name: string, options: AttemptOptions & GlobalOptions) => {
    const shown = await withClient(options, async (client) => {
      const at = (rest: string): string => client.functionsPath(`/${checkedName(name)}/${rest}`);
      const patch = given(attemptSettings(options));
      const config =
        Object.keys(patch).length === 0
          ? await client.json<EventInvokeConfigJson>({ method: 'GET', path: at('event-invoke-config') })
          : await client.change<EventInvokeConfigJson>('PATCH', at('event-invoke-config'), patch);
      const { counts } = await client.json<FunctionEventsJson>({ method: 'GET', path: at('events') });
      return { ...config, counts };
    });
    if (options.json) printJson(shown);
    else print(properties(shown));
  });
}
