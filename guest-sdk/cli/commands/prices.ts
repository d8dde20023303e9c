import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { StoredPriceListJson } from '../../../host/control-plane/billing-schemas.ts';
import { METER_NAMES, METERS } from '../../../host/model/price-list.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

export function pricesCommand(): Command {
  return commandGroup(
    'prices',
    'see and set what usage costs; with the operator’s key',
    'mayfly prices list',
    [listCommand(), setCommand()],
  );
}

function listCommand(): Command {
  return command(
    'list',
    'show all price lists that were ever set, the latest first',
    'mayfly prices list',
  ).action(async (options: GlobalOptions) => {
    const lists = await withClient(options, (client) =>
      client.json<StoredPriceListJson[]>({ method: 'GET', path: '/v1/prices' }),
    );
    if (options.json) printJson(lists);
    else print(lists.map(listText).join('\n\n') || 'no prices are set');
  });
}

function setCommand(): Command {
  return command(
    'set',
    'set a price list from a file of JSON (- reads standard input); it holds from the first of its month on',
    `echo '{"from":"2026-12","currency":{"code":"EUR","minorUnitDigits":2},
  "prices":{"requests":[{"upTo":1000000,"price":"0"},{"price":"0.0000002"}],"fuel":[{"price":"0.00002"}]}}' |
  mayfly prices set -`,
  )
    .argument('<file>', 'JSON, as /openapi.json describes PriceList')
    .action(async (file: string, options: GlobalOptions) => {
      const body = await readJson(file);
      const stored = await withClient(options, (client) =>
        client.json<StoredPriceListJson>({
          method: 'POST',
          path: '/v1/prices',
          headers: { 'content-type': 'application/json' },
          body,
        }),
      );
      if (options.json) printJson(stored);
      else print(listText(stored));
    });
}

async function readJson(file: string): Promise<string> {
  try {
    const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
    JSON.parse(content);
    return content;
  } catch (error) {
    throw new CliError('usage', `${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function listText({ id, list, createdAt }: StoredPriceListJson): string {
  const rows = METER_NAMES.flatMap((meter) =>
    (list.prices[meter] ?? [{ price: '0' }]).map(({ upTo, price }, i, steps) => [
      meter,
      upTo === undefined ? (steps.length === 1 ? 'all' : `above ${steps[i - 1]?.upTo}`) : `to ${upTo}`,
      `${price} per ${METERS[meter].unit}`,
    ]),
  );
  return `price list ${id} from ${list.from} on, set ${createdAt}\n${table(['METER', 'STEP', list.currency.code], rows)}`;
}
