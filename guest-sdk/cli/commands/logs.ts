import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LogRecordJson } from '../../../host/control-plane/schemas.ts';
import { LOG_LEVELS } from '../../../host/model/function-configuration.ts';
import { command, withClient } from '../command.ts';
import { parseDurationSeconds } from '../duration.ts';
import { followLog, formatRecord } from '../log-lines.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print } from '../terminal.ts';

const LEVELS = LOG_LEVELS.filter((level) => level !== 'off');

interface LogsOptions extends GlobalOptions {
  readonly lines: number;
  readonly follow?: boolean;
  readonly since?: string;
  readonly level?: string;
  readonly invocation?: string;
  readonly trace?: string;
}

export function logsCommand(): Command {
  return command('logs', "read a function's log", 'mayfly logs hello -n 20 -f')
    .argument('<name>', 'the function')
    .option('-n, --lines <count>', 'how many of the newest records', parseCount, 100)
    .option('-f, --follow', 'keep printing records as they come')
    .option('--since <time>', 'only records from then on: a time (ISO 8601), or how long ago (10m)')
    .addOption(new Option('--level <level>', 'only this level and what is more severe').choices(LEVELS))
    .option('--invocation <id>', 'only records of this invocation')
    .option('--trace <id>', 'only records of this trace (W3C trace-id)')
    .action(async (name: string, options: LogsOptions) => {
      const show = (record: LogRecordJson): void => {
        if (options.json) process.stdout.write(`${JSON.stringify(record)}\n`);
        else print(formatRecord(record));
      };
      await withClient(options, async (client) => {
        const query = queryOf(options);
        if (options.follow) query.set('follow', 'true');
        const path = client.functionsPath(`/${checkedName(name)}/logs?${query}`);
        if (options.follow) await followLog(client, path, show);
        else for (const record of await client.json<LogRecordJson[]>({ method: 'GET', path })) show(record);
      });
    });
}

/** Whether these are valid is the host's to say. */
function queryOf({ lines, since, level, invocation, trace }: LogsOptions): URLSearchParams {
  const query = new URLSearchParams({ limit: String(lines) });
  if (since !== undefined) query.set('since', instantOf(since));
  if (level !== undefined) query.set('level', level);
  if (invocation !== undefined) query.set('invocation', invocation);
  if (trace !== undefined) query.set('trace', trace);
  return query;
}

function instantOf(since: string): string {
  if (!/^[0-9]+[smhd]$/.test(since)) return since;
  return new Date(Date.now() - parseDurationSeconds(since) * 1_000).toISOString();
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > 1000) throw new InvalidArgumentError('It is a number from 0 to 1000.');
  return count;
}
