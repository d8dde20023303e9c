import type { Command } from 'commander';
import { command, withClient } from '../command.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

export function deleteCommand(): Command {
  return command(
    'delete',
    'delete a function with all its versions, settings and logs',
    'mayfly delete hello',
  )
    .argument('<name>', 'the function')
    .action(async (name: string, options: GlobalOptions) => {
      await withClient(options, async (client) => {
        const { body } = await client.send({
          method: 'DELETE',
          path: client.functionsPath(`/${checkedName(name)}`),
        });
        await body.dump();
      });
      if (options.json) printJson({ deleted: name });
      else print(`deleted ${name}`);
    });
}
