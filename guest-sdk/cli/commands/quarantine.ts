import type { Command } from 'commander';
import { command, commandGroup, withClient } from '../command.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

export function quarantineCommand(): Command {
  return commandGroup(
    'quarantine',
    'take functions out of quarantine; `mayfly inspect` says why they are in it',
    'mayfly quarantine lift hello',
    [liftCommand()],
  );
}

function liftCommand(): Command {
  return command('lift', 'let a quarantined function answer again', 'mayfly quarantine lift hello')
    .argument('<name>', 'the function')
    .action(async (name: string, options: GlobalOptions) => {
      await withClient(options, async (client) => {
        const path = client.functionsPath(`/${checkedName(name)}/quarantine`);
        const { body } = await client.send({ method: 'DELETE', path });
        await body.dump();
      });
      if (options.json) printJson({ lifted: name });
      else print(`${name} is in no quarantine`);
    });
}
