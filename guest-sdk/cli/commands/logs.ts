import { createInterface } from 'node:readline';
import { type Command, InvalidArgumentError } from 'commander';
import type { LogRecordJson } from '../../../host/control-plane/schemas.ts';
import type { Client } from '../client.ts';
import { command, withClient } from '../command.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print } from '../terminal.ts';

interface LogsOptions extends GlobalOptions {
  readonly lines: number;
  readonly follow?: boolean;
}

export function logsCommand(): Command {
  return command('logs', "read a function's log", 'mayfly logs hello -n 20 -f')
    .argument('<name>', 'the function')
    .option('-n, --lines <count>', 'how many of the newest records', parseCount, 100)
    .option('-f, --follow', 'keep printing records as they come')
    .action(async (name: string, options: LogsOptions) => {
      const show = (record: LogRecordJson): void => {
        if (options.json) process.stdout.write(`${JSON.stringify(record)}\n`);
        else print(formatRecord(record));
      };
      await withClient(options, async (client) => {
        const path = client.functionsPath(`/${checkedName(name)}/logs?limit=${options.lines}`);
        if (options.follow) await follow(client, `${path}&follow=true`, show);
        else for (const record of await client.json<LogRecordJson[]>({ method: 'GET', path })) show(record);
      });
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count > 1000) throw new InvalidArgumentError('It is a number from 0 to 1000.');
  return count;
}

/** Ends when the host ends the log; Ctrl-C ends the process. */
async function follow(client: Client, path: string, show: (record: LogRecordJson) => void): Promise<void> {
  const { body } = await client.send({ method: 'GET', path });
  for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== '') show(JSON.parse(line) as LogRecordJson);
  }
}

function formatRecord({ timestamp, level, version, invocationId, message }: LogRecordJson): string {
  return `${timestamp} ${level.padEnd(5)} v${version} ${invocationId} ${message}`;
}
