import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import type {
  UsagePageJson,
  UsageRecordJson,
  UsageRollupJson,
  UsageRowJson,
} from '../../../host/control-plane/usage-schemas.ts';
import { USAGE_LEVELS, type UsageLevel } from '../../../host/model/usage-rollup.ts';
import { command, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface UsageOptions extends GlobalOptions {
  readonly level: UsageLevel;
  readonly from?: string;
  readonly to?: string;
  readonly function?: string;
  readonly format?: 'csv' | 'jsonl';
  readonly all?: boolean;
}

export function usageCommand(): Command {
  return command(
    'usage',
    'show what functions used, or export it',
    'mayfly usage --level hour --from 2026-11-27\nmayfly usage --level record --from 2026-11 --format csv > november.csv',
  )
    .addOption(
      new Option('--level <level>', 'each record, or what they add up to')
        .choices(USAGE_LEVELS)
        .default('day'),
    )
    .option('--from <time>', 'a month, a day or an instant, UTC (this month)')
    .option('--to <time>', 'the end, not included (now)')
    .option('--function <name>', 'only of this function')
    .addOption(new Option('--format <format>', 'the whole range, as it comes').choices(['csv', 'jsonl']))
    .option('--all', "of all tenants, those that were deleted included; takes the operator's key")
    .action(async (options: UsageOptions) => {
      await withClient(options, async (client) => {
        const { level, from, to, function: name, format, all } = options;
        const asked = { level, from, to, function: name, format };
        const given = Object.entries(asked).filter(([, value]) => value !== undefined) as [string, string][];
        const base = all ? '/v1/usage' : `/v1/tenants/${client.settings.tenant}/usage`;
        const path = `${base}?${new URLSearchParams(given)}`;
        if (format !== undefined) {
          const { body } = await client.send({ method: 'GET', path });
          await pipeline(body, toStandardOutput());
          return;
        }
        const rows: UsageRowJson[] = [];
        for (let after = ''; ; ) {
          const page = await client.json<UsagePageJson>({ method: 'GET', path: path + after });
          rows.push(...page.rows);
          if (page.next === undefined) break;
          after = `&after=${page.next}`;
        }
        if (options.json) printJson(rows);
        else if (level === 'record') print(recordTable(rows as UsageRecordJson[]));
        else print(rollupTable(rows as UsageRollupJson[]));
      });
    });
}

/** Standard output is not closed with the stream that is written to it. */
function toStandardOutput(): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => void process.stdout.write(chunk, done),
  });
}

function recordTable(rows: readonly UsageRecordJson[]): string {
  return table(
    ['ENDED', 'FUNCTION', 'VERSION', 'TRIGGER', 'OUTCOME', 'FUEL', 'KIB x MS', 'BYTES OUT', 'INVOCATION'],
    rows.map((row) => [
      row.endedAt,
      row.function,
      String(row.version),
      row.trigger,
      row.billed ? row.outcome : `${row.outcome} (not billed)`,
      row.fuel.toLocaleString('en-US'),
      row.memoryTimeKiBMs.toLocaleString('en-US'),
      row.egressBytes.toLocaleString('en-US'),
      row.attempt === 1 ? row.invocationId : `${row.invocationId} attempt ${row.attempt}`,
    ]),
  );
}

function rollupTable(rows: readonly UsageRollupJson[]): string {
  return table(
    ['BEGIN', 'FUNCTION', 'VERSION', 'INVOCATIONS', 'FAILED', 'FUEL', 'KIB x MS', 'BYTES OUT', 'BILLED'],
    rows.map((row) => [
      row.start,
      row.function,
      String(row.version),
      grouped(row.invocations),
      grouped(row.failures),
      grouped(row.fuel),
      grouped(row.memoryTimeKiBMs),
      grouped(row.egressBytes),
      row.billed ? 'yes' : 'no',
    ]),
  );
}

function grouped(digits: string): string {
  return BigInt(digits).toLocaleString('en-US');
}
