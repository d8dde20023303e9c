import type { Command } from 'commander';
import type { IdentityJson } from '../../../host/control-plane/identity.ts';
import { command, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

export function whoamiCommand(): Command {
  return command('whoami', 'show whose key is used, and what it allows', 'mayfly whoami').action(
    async (options: GlobalOptions) => {
      const { identity, origin } = await withClient(options, async (client) => ({
        identity: await client.json<IdentityJson>({ method: 'GET', path: '/v1/whoami' }),
        origin: client.settings.url.origin,
      }));
      if (options.json) printJson(identity);
      else print(`${describeIdentity(identity)} (${origin}, Mayfly ${identity.host.version})`);
    },
  );
}

function describeIdentity({ operator, tenant, key }: IdentityJson): string {
  if (operator || key === undefined) return 'the operator: every tenant, everything';
  const expiry = key.expiresAt === undefined ? '' : `, until ${key.expiresAt}`;
  return `tenant ${tenant}, key ${key.name} (${key.id}), for ${key.scopes.join(', ')}${expiry}`;
}
