import type { Command } from 'commander';
import type { KeyJson, MadeKeyJson } from '../../../host/control-plane/key-schemas.ts';
import { KEY_SCOPES } from '../../../host/model/api-key.ts';
import type { Client } from '../client.ts';
import { collect, command, commandGroup, withClient } from '../command.ts';
import { parseDurationSeconds } from '../duration.ts';
import { CliError } from '../exit-code.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

export function keysCommand(): Command {
  const example = 'mayfly keys create ci --scope deploy --scope read --expires 90d --tenant acme';
  return commandGroup('keys', 'create and look after the API keys of a tenant', example, [
    createCommand(),
    listCommand(),
    rotateCommand(),
    revokeCommand(),
  ]);
}

function createCommand(): Command {
  return command(
    'create',
    'create a key and print it, once',
    'mayfly keys create ci --scope deploy --expires 90d',
  )
    .argument('<name>', 'what the key is for')
    .requiredOption('--scope <scope>', `what it allows (repeatable): ${KEY_SCOPES.join(', ')}`, collect)
    .option('--expires <time>', 'from when on it opens nothing, such as 90d from now; never if absent')
    .action(
      async (
        name: string,
        options: GlobalOptions & { readonly scope: readonly string[]; readonly expires?: string },
      ) => {
        const body: Record<string, unknown> = { name, scopes: options.scope };
        if (options.expires !== undefined) {
          const ms = parseDurationSeconds(options.expires) * 1_000;
          body['expiresAt'] = new Date(Date.now() + ms).toISOString();
        }
        const made = await withClient(options, (client) =>
          client.json<MadeKeyJson>({
            method: 'POST',
            path: keysPath(client),
            headers: JSON_HEADERS,
            body: JSON.stringify(body),
          }),
        );
        show(made, options);
      },
    );
}

function listCommand(): Command {
  return command('list', 'list the keys of a tenant', 'mayfly keys list --tenant acme').action(
    async (options: GlobalOptions) => {
      const keys = await withClient(options, listKeys);
      if (options.json) printJson(keys);
      else if (keys.length === 0) print('no keys yet; `mayfly keys create <name> --scope <scope>` makes one');
      else
        print(
          table(
            ['ID', 'NAME', 'SCOPES', 'EXPIRES', 'LAST USED'],
            keys.map(({ id, name, scopes, expiresAt, lastUsedAt }) => [
              id,
              name,
              scopes.join(','),
              expiresAt ?? 'never',
              lastUsedAt ?? 'never',
            ]),
          ),
        );
    },
  );
}

function rotateCommand(): Command {
  return command('rotate', 'give a key another text and print it, once', 'mayfly keys rotate ci --grace 24h')
    .argument('<key>', 'its name or id')
    .option('--grace <time>', 'how long the old text is still valid, such as 24h; not at all if absent')
    .action(async (key: string, options: GlobalOptions & { readonly grace?: string }) => {
      const graceSeconds = options.grace === undefined ? 0 : parseDurationSeconds(options.grace);
      const made = await withClient(options, async (client) =>
        client.json<MadeKeyJson>({
          method: 'POST',
          path: `${keysPath(client)}/${await idOf(client, key)}/rotate`,
          headers: JSON_HEADERS,
          body: JSON.stringify({ graceSeconds }),
        }),
      );
      show(made, options);
    });
}

function revokeCommand(): Command {
  return command('revoke', 'revoke a key: it opens nothing from now on', 'mayfly keys revoke ci')
    .argument('<key>', 'its name or id')
    .action(async (key: string, options: GlobalOptions) => {
      await withClient(options, async (client) => {
        const path = `${keysPath(client)}/${await idOf(client, key)}`;
        const { body } = await client.send({ method: 'DELETE', path });
        await body.dump();
      });
      if (options.json) printJson({ revoked: key });
      else print(`revoked ${key}`);
    });
}

function keysPath({ settings }: Client): string {
  return `/v1/tenants/${settings.tenant}/keys`;
}

function listKeys(client: Client): Promise<KeyJson[]> {
  return client.json<KeyJson[]>({ method: 'GET', path: keysPath(client) });
}

/** People know a key by its name, the host by its id. */
async function idOf(client: Client, key: string): Promise<string> {
  const keys = await listKeys(client);
  const found = keys.find(({ id, name }) => id === key || name === key);
  if (found) return found.id;
  throw new CliError('notFound', `tenant ${client.settings.tenant} has no key ${JSON.stringify(key)}`);
}

/** The text alone on standard output, so that a script can put it where it belongs. */
function show(made: MadeKeyJson, options: GlobalOptions): void {
  if (options.json) {
    printJson(made);
    return;
  }
  process.stderr.write(
    `key ${made.name} (${made.id}), for ${made.scopes.join(', ')}; it is shown this once:\n`,
  );
  print(made.key);
}
