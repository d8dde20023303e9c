import { type Command, InvalidArgumentError } from 'commander';
import type { FunctionJson, VersionJson } from '../../../host/control-plane/schemas.ts';
import type { Client } from '../client.ts';
import { command, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

export function rollbackCommand(): Command {
  return command(
    'rollback',
    'let another version answer; settings stay as they are',
    'mayfly rollback hello 3',
  )
    .argument('<name>', 'the function')
    .argument('[version]', 'its version; the one before the live one unless given', parseVersion)
    .action(async (name: string, wanted: number | undefined, options: GlobalOptions) => {
      const found = await withClient(options, async (client) => {
        const path = client.functionsPath(`/${checkedName(name)}`);
        const version = wanted ?? (await previousVersion(client, path, name));
        return client.json<FunctionJson>({
          method: 'PUT',
          path: `${path}/live`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ version }),
        });
      });
      if (options.json) printJson(found);
      else print(`version ${found.liveVersion} of ${name} is live at ${found.url}`);
    });
}

function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('Versions are numbers from 1; `mayfly versions` lists them.');
  return Number(text);
}

async function previousVersion(client: Client, path: string, name: string): Promise<number> {
  const versions = await client.json<VersionJson[]>({ method: 'GET', path: `${path}/versions` });
  const live = versions.find((version) => version.live)?.version ?? 0;
  const older = versions.map(({ version }) => version).filter((version) => version < live);
  if (older.length === 0) throw new CliError('notFound', `${name} has no version before ${live}`);
  return Math.max(...older);
}
