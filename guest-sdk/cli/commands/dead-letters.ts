import type { Command } from 'commander';
import type { AffectedJson, MessagePageJson } from '../../../host/control-plane/queue-schemas.ts';
import type { Client } from '../client.ts';
import { collect, command, commandGroup, withClient } from '../command.ts';
import { contentPath, parseCount } from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { messageTable } from '../message-table.ts';
import { checkedNameOf, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface WhereOptions extends GlobalOptions {
  readonly function?: string;
  readonly mapping?: string;
}

export function deadLettersCommand(): Command {
  return commandGroup(
    'dead-letters',
    'see what was given up, and give it another chance',
    'mayfly dead-letters list orders',
    [listCommand(), redriveCommand(), purgeCommand()],
  );
}

/** A queue by its name, the events of a function, or what a mapping reads. */
function where(made: Command): Command {
  return made
    .argument('[queue]', 'whose dead letters')
    .option('--function <name>', 'those of the events of this function instead')
    .option('--mapping <name>', 'what this mapping has given up instead, of a stream or a queue');
}

/** @throws {CliError} `usage` */
function lettersPath(
  client: Client,
  queue: string | undefined,
  { function: fn, mapping }: WhereOptions,
): string {
  if ([queue, fn, mapping].filter((each) => each !== undefined).length !== 1)
    throw new CliError('usage', 'name a queue, a function with --function, or a mapping with --mapping');
  const owner =
    mapping === undefined
      ? contentPath(client, queue, fn)
      : client.tenantPath(`/event-source-mappings/${checkedNameOf('mapping', mapping)}`);
  return `${owner}/dead-letters`;
}

function listCommand(): Command {
  const example =
    'mayfly dead-letters list orders\nmayfly dead-letters list --function hello --json\nmayfly dead-letters list --mapping feed';
  return where(command('list', 'list dead letters with their causes', example))
    .option('-n, --limit <count>', 'how many, the oldest ones', parseCount, 10)
    .action(async (queue: string | undefined, options: WhereOptions & { readonly limit: number }) => {
      const page = await withClient(options, (client) => {
        const path = `${lettersPath(client, queue, options)}?limit=${options.limit}`;
        return client.json<MessagePageJson>({ method: 'GET', path });
      });
      if (options.json) printJson(page);
      else print(page.messages.length === 0 ? 'no dead letters' : messageTable(page.messages));
    });
}

function redriveCommand(): Command {
  return where(
    command(
      'redrive',
      'try dead letters again, all of them unless named',
      'mayfly dead-letters redrive orders',
    ),
  )
    .option('--id <id>', 'only this one (repeatable)', collect)
    .action(
      async (queue: string | undefined, options: WhereOptions & { readonly id?: readonly string[] }) => {
        const body = options.id === undefined ? {} : { ids: options.id };
        const { count } = await withClient(options, (client) => {
          const path = `${lettersPath(client, queue, options)}/redrive`;
          return client.change<AffectedJson>('POST', path, body);
        });
        if (options.json) printJson({ count });
        else print(`${count} ready to be tried again`);
      },
    );
}

function purgeCommand(): Command {
  return where(command('purge', 'drop all dead letters', 'mayfly dead-letters purge orders --yes'))
    .option('--yes', 'say that it is meant')
    .action(async (queue: string | undefined, options: WhereOptions & { readonly yes?: boolean }) => {
      if (!options.yes) throw new CliError('usage', 'they cannot be brought back: say --yes');
      const dropped = await withClient(options, (client) =>
        client.remove<AffectedJson>(lettersPath(client, queue, options)),
      );
      if (options.json) printJson(dropped);
      else print(`dropped ${dropped?.count}`);
    });
}
