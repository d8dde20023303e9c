import type { Command } from 'commander';
import type {
  AffectedJson,
  MadeSigningSecretJson,
  MessagePageJson,
  QueueJson,
  SigningSecretJson,
} from '../../../host/control-plane/queue-schemas.ts';
import type { Client } from '../client.ts';
import { command, commandGroup, withClient } from '../command.ts';
import {
  COUNT_HEADS,
  contentPath,
  countCells,
  parseCount,
  parseDurationMs,
  properties,
} from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { messageTable } from '../message-table.ts';
import { checkedNameOf, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface SettingsOptions extends GlobalOptions {
  readonly retention?: number;
  readonly deduplication?: number;
  readonly deadLetterRetention?: number;
}

export function queuesCommand(): Command {
  return commandGroup(
    'queues',
    'create and look after queues',
    'mayfly queues create orders --retention 4d',
    [
      withSettings(
        command(
          'create',
          'create a queue, or set all of its settings',
          'mayfly queues create orders --retention 4d',
        ),
        (client, name, settings) => client.change<QueueJson>('PUT', pathOf(client, name), settings),
      ),
      withSettings(
        command(
          'configure',
          'change settings of a queue',
          'mayfly queues configure orders --deduplication 1h',
        ),
        (client, name, settings) => client.change<QueueJson>('PATCH', pathOf(client, name), settings),
      ),
      listCommand(),
      describeCommand(),
      peekCommand(),
      purgeCommand(),
      deleteCommand(),
      signCommand(),
      signingSecretsCommand(),
      unsignCommand(),
    ],
  );
}

function withSettings(
  made: Command,
  change: (client: Client, name: string, settings: object) => Promise<QueueJson>,
): Command {
  return made
    .argument('<queue>', 'its name')
    .option('--retention <time>', 'how long a message may wait, such as 4d', parseDurationMs)
    .option(
      '--deduplication <time>',
      'how long a deduplication key is recognised, such as 5m',
      parseDurationMs,
    )
    .option('--dead-letter-retention <time>', 'how long a dead letter is kept, such as 14d', parseDurationMs)
    .action(async (name: string, options: SettingsOptions) => {
      const settings = {
        retentionMs: options.retention,
        deduplicationMs: options.deduplication,
        deadLetterRetentionMs: options.deadLetterRetention,
      };
      const queue = await withClient(options, (client) => change(client, name, settings));
      show(queue, options);
    });
}

function listCommand(): Command {
  return command(
    'list',
    'list the queues of a tenant, and where their messages are',
    'mayfly queues list',
  ).action(async (options: GlobalOptions) => {
    const queues = await withClient(options, (client) =>
      client.json<QueueJson[]>({ method: 'GET', path: client.tenantPath('/queues') }),
    );
    if (options.json) printJson(queues);
    else if (queues.length === 0) print('no queues yet; `mayfly queues create <queue>` makes one');
    else
      print(
        table(
          ['NAME', ...COUNT_HEADS, 'OLDEST'],
          queues.map(({ name, counts }) => [name, ...countCells(counts), counts?.oldestSentAt ?? '']),
        ),
      );
  });
}

function describeCommand(): Command {
  return command('describe', 'show a queue', 'mayfly queues describe orders')
    .argument('<queue>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      const queue = await withClient(options, (client) =>
        client.json<QueueJson>({ method: 'GET', path: pathOf(client, name) }),
      );
      show(queue, options);
    });
}

function peekCommand(): Command {
  return command(
    'peek',
    'look at messages without taking them',
    'mayfly queues peek orders --state delayed\nmayfly queues peek --function hello',
  )
    .argument('[queue]', 'its name')
    .option('--function <name>', 'the events of this function instead')
    .option('--state <state>', 'ready, delayed, in-flight or dead', 'ready')
    .option('-n, --limit <count>', 'how many, the oldest ones', parseCount, 10)
    .action(
      async (
        name: string | undefined,
        options: GlobalOptions & {
          readonly function?: string;
          readonly state: string;
          readonly limit: number;
        },
      ) => {
        const query = `?state=${encodeURIComponent(options.state)}&limit=${options.limit}`;
        const page = await withClient(options, (client) => {
          const path = `${contentPath(client, name, options.function)}/messages${query}`;
          return client.json<MessagePageJson>({ method: 'GET', path });
        });
        if (options.json) printJson(page);
        else print(messageTable(page.messages));
      },
    );
}

function purgeCommand(): Command {
  return command('purge', 'drop all messages that wait in a queue', 'mayfly queues purge orders --yes')
    .argument('[queue]', 'its name')
    .option('--function <name>', 'the events of this function instead')
    .option('--yes', 'say that it is meant')
    .action(
      async (
        name: string | undefined,
        options: GlobalOptions & { readonly function?: string; readonly yes?: boolean },
      ) => {
        if (!options.yes) throw new CliError('usage', 'the messages cannot be brought back: say --yes');
        const dropped = await withClient(options, (client) =>
          client.remove<AffectedJson>(`${contentPath(client, name, options.function)}/messages`),
        );
        if (options.json) printJson(dropped);
        else print(`dropped ${dropped?.count} messages`);
      },
    );
}

function deleteCommand(): Command {
  return command('delete', 'delete a queue with everything in it', 'mayfly queues delete orders')
    .argument('<queue>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      await withClient(options, (client) => client.remove(pathOf(client, name)));
      if (options.json) printJson({ deleted: name });
      else print(`deleted ${name}`);
    });
}

function signCommand(): Command {
  return command(
    'sign',
    'make a secret for senders of webhooks, and print it, once; it opens /in/<tenant>/<queue>',
    'mayfly queues sign orders',
  )
    .argument('<queue>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      const [made, url] = await withClient(options, async (client) => {
        const path = `${pathOf(client, name)}/signing-secrets`;
        const secret = await client.change<MadeSigningSecretJson>('POST', path, {});
        const base = client.settings.url.href.replace(/\/$/, '');
        return [secret, `${base}/in/${client.settings.tenant}/${name}`] as const;
      });
      if (options.json) {
        printJson({ ...made, url });
        return;
      }
      process.stderr.write(`signing secret ${made.id} for ${url}; it is shown this once:\n`);
      print(made.secret);
    });
}

function signingSecretsCommand(): Command {
  return command(
    'signing-secrets',
    'list the signing secrets of a queue',
    'mayfly queues signing-secrets orders',
  )
    .argument('<queue>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      const secrets = await withClient(options, (client) =>
        client.json<SigningSecretJson[]>({ method: 'GET', path: `${pathOf(client, name)}/signing-secrets` }),
      );
      if (options.json) printJson(secrets);
      else if (secrets.length === 0) print('no secrets: the queue has no ingress');
      else
        print(
          table(
            ['ID', 'CREATED'],
            secrets.map(({ id, createdAt }) => [id, createdAt]),
          ),
        );
    });
}

function unsignCommand(): Command {
  return command(
    'unsign',
    'delete a signing secret of a queue',
    'mayfly queues unsign orders 0123456789abcdef',
  )
    .argument('<queue>', 'its name')
    .argument('<id>', 'of the secret')
    .action(async (name: string, id: string, options: GlobalOptions) => {
      if (!/^[0-9a-f]{16}$/.test(id))
        throw new CliError('usage', `${JSON.stringify(id)} is no id of a secret`);
      await withClient(options, (client) => client.remove(`${pathOf(client, name)}/signing-secrets/${id}`));
      if (options.json) printJson({ deleted: id });
      else print(`deleted ${id}`);
    });
}

function pathOf(client: Client, name: string): string {
  return client.tenantPath(`/queues/${checkedNameOf('queue', name)}`);
}

function show({ settings, counts, ...queue }: QueueJson, options: GlobalOptions): void {
  if (options.json) printJson({ ...queue, settings, counts });
  else print(properties({ ...queue, ...settings, ...counts }));
}
