import type { Command } from 'commander';
import type { VersionJson } from '../../../host/control-plane/schemas.ts';
import { command, withClient } from '../command.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { formatBytes, print, printJson, table } from '../terminal.ts';

export function versionsCommand(): Command {
  return command('versions', 'list the versions of a function, newest first', 'mayfly versions hello')
    .argument('<name>', 'the function')
    .action(async (name: string, options: GlobalOptions) => {
      const versions = await withClient(options, (client) =>
        client.json<VersionJson[]>({
          method: 'GET',
          path: client.functionsPath(`/${checkedName(name)}/versions`),
        }),
      );
      if (options.json) printJson(versions);
      else {
        const rows = versions.map(({ version, live, createdAt, sizes, digest }) => [
          String(version),
          live ? 'live' : '',
          createdAt,
          formatBytes(sizes.uploadBytes),
          digest,
        ]);
        print(table(['VERSION', 'LIVE', 'CREATED', 'SIZE', 'DIGEST'], rows));
      }
    });
}
