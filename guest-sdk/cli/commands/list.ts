import type { Command } from 'commander';
import type { FunctionSummaryJson } from '../../../host/control-plane/schemas.ts';
import { command, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

export function listCommand(): Command {
  return command('list', 'list the functions of a tenant', 'mayfly list').action(
    async (options: GlobalOptions) => {
      const functions = await withClient(options, (client) =>
        client.json<FunctionSummaryJson[]>({ method: 'GET', path: client.functionsPath() }),
      );
      if (options.json) printJson(functions);
      else if (functions.length === 0) print('no functions yet; `mayfly deploy <file>` makes one');
      else
        print(
          table(
            ['NAME', 'VERSION', 'UPDATED', 'URL'],
            functions.map(({ name, liveVersion, updatedAt, url }) => [
              name,
              String(liveVersion),
              updatedAt,
              url,
            ]),
          ),
        );
    },
  );
}
