import type { Command } from 'commander';
import type { FunctionSummaryJson } from '../../../host/control-plane/schemas.ts';
import type { Client } from '../client.ts';
import { command, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

/** As many as the host gives at once. */
const PER_PAGE = 1_000;

export function listCommand(): Command {
  return command('list', 'list the functions of a tenant', 'mayfly list').action(
    async (options: GlobalOptions) => {
      const functions = await withClient(options, allFunctions);
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

async function allFunctions(client: Client): Promise<FunctionSummaryJson[]> {
  const functions: FunctionSummaryJson[] = [];
  for (let after = ''; ; after = `&after=${functions.at(-1)?.name}`) {
    const path = client.functionsPath(`?limit=${PER_PAGE}${after}`);
    const page = await client.json<FunctionSummaryJson[]>({ method: 'GET', path });
    functions.push(...page);
    if (page.length < PER_PAGE) return functions;
  }
}
