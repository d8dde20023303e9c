import { type Command, InvalidArgumentError } from 'commander';
import type { BackupEventJson, BackupJson } from '../../../host/control-plane/backup-schemas.ts';
import type { BackupProgress } from '../../../host/model/backup.ts';
import type { Client } from '../client.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { followedLines, hasLines, LINES } from '../followed-lines.ts';
import type { GlobalOptions } from '../settings.ts';
import { formatBytes, formatMs, Progress, print, printJson, table } from '../terminal.ts';

const PATH = '/v1/backups';

export function backupCommand(): Command {
  return commandGroup(
    'backup',
    'copy all that a running host keeps; with the operator’s key',
    'mayfly backup create --keep 7',
    [createCommand(), listCommand(), deleteCommand()],
  );
}

function createCommand(): Command {
  return command(
    'create',
    'make a backup in the folder backups/ of the host’s data folder',
    'mayfly backup create --keep 7',
  )
    .option('--keep <count>', 'delete older ones when it is made, so that so many are left', parseCount)
    .action(async ({ keep, ...options }: GlobalOptions & { readonly keep?: number }) => {
      using progress = new Progress();
      const made = await withClient(options, async (client) => {
        progress.step('making a backup');
        const backup = await create(client, progress);
        const deleted = keep === undefined ? [] : await deleteBeyond(client, keep);
        return { backup, deleted };
      });
      if (options.json) {
        printJson(keep === undefined ? made.backup : { ...made.backup, deleted: made.deleted });
        return;
      }
      const { id, bytes, linkedBytes, queues } = made.backup;
      print(`backup ${id}: ${formatBytes(bytes)}, ${formatBytes(linkedBytes)} of it links`);
      if (queues === 'redis') print('messages are in Redis, and not in it');
      for (const each of made.deleted) print(`deleted ${each}`);
    });
}

function listCommand(): Command {
  return command('list', 'list backups, the latest first', 'mayfly backup list').action(
    async (options: GlobalOptions) => {
      const backups = await withClient(options, list);
      if (options.json) {
        printJson(backups);
        return;
      }
      const rows = backups.map(({ id, createdAt, bytes, linkedBytes, release, queues }) => [
        id,
        createdAt,
        formatBytes(bytes),
        formatBytes(linkedBytes),
        queues,
        release,
      ]);
      print(table(['BACKUP', 'BEGUN', 'SIZE', 'LINKED', 'QUEUES', 'RELEASE'], rows));
    },
  );
}

function deleteCommand(): Command {
  return command('delete', 'delete a backup', 'mayfly backup delete 20261127T213245.123Z')
    .argument('<backup>', 'its id')
    .action(async (id: string, options: GlobalOptions) => {
      await withClient(options, (client) => remove(client, id));
      if (options.json) printJson({ deleted: id });
      else print(`deleted ${id}`);
    });
}

async function create(client: Client, progress: Progress): Promise<BackupJson> {
  const headers = { accept: `${LINES}, application/json` };
  const response = await client.send({ method: 'POST', path: PATH, headers });
  if (!hasLines(response)) return (await response.body.json()) as BackupJson;
  const steps: string[] = [];
  for await (const event of followedLines<BackupEventJson>(response)) {
    if ('backup' in event) {
      progress.note(steps.join(', '));
      return event.backup;
    }
    const { step, ms } = event.progress;
    if (ms === undefined) progress.detail(describe(event.progress as BackupProgress));
    else steps.push(`${step} ${formatMs(ms)}`);
  }
  throw new CliError('unavailable', 'the host broke off before it said what came of the backup');
}

function describe({ step, bytes, totalBytes }: BackupProgress): string {
  const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
  return `copying ${step}${bytes === undefined ? '' : `: ${formatBytes(bytes)}${total}`}`;
}

/** The latest first. */
function list(client: Client): Promise<BackupJson[]> {
  return client.json<BackupJson[]>({ method: 'GET', path: PATH });
}

async function deleteBeyond(client: Client, keep: number): Promise<string[]> {
  const old = (await list(client)).slice(keep).map(({ id }) => id);
  for (const id of old) await remove(client, id);
  return old;
}

async function remove(client: Client, id: string): Promise<void> {
  await client.send({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}` });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || count < 1) throw new InvalidArgumentError('a whole number, 1 or more');
  return count;
}
