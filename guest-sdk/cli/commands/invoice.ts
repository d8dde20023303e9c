import type { Command } from 'commander';
import type {
  InvoiceJson,
  TenantInvoiceJson,
  VerificationJson,
} from '../../../host/control-plane/billing-schemas.ts';
import { command, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface InvoiceOptions extends GlobalOptions {
  readonly month: string;
  readonly verify?: boolean;
  readonly all?: boolean;
}

export function invoiceCommand(): Command {
  return command(
    'invoice',
    'show the bill of a month; --verify recomputes it',
    'mayfly invoice --tenant acme --month 2026-11\nmayfly invoice --tenant acme --month 2026-11 --verify\nmayfly invoice --all --month 2026-11',
  )
    .option('--month <month>', 'such as 2026-11, UTC', new Date().toISOString().slice(0, 7))
    .option('--verify', 'recompute it from the records; fails if anything differs')
    .option('--all', 'the bills of all tenants, deleted ones included')
    .action(async (options: InvoiceOptions) => {
      if (options.all) return showAll(options);
      const path = (tenant: string): string =>
        `/v1/tenants/${tenant}/invoices/${encodeURIComponent(options.month)}${options.verify ? '/verification' : ''}`;
      const answer = await withClient(options, (client) =>
        client.json<InvoiceJson | VerificationJson>({ method: 'GET', path: path(client.settings.tenant) }),
      );
      if (options.json) printJson(answer);
      else if ('holds' in answer) print(proofText(answer));
      else print(invoiceText(answer));
      if ('holds' in answer && !answer.holds)
        throw new CliError('failed', 'the bill does not follow from the records');
    });
}

async function showAll(options: InvoiceOptions): Promise<void> {
  const path = `/v1/invoices/${encodeURIComponent(options.month)}`;
  const all = await withClient(options, (client) =>
    client.json<readonly TenantInvoiceJson[]>({ method: 'GET', path }),
  );
  if (options.json) return printJson(all);
  const rows = all.map(({ tenant, generation, isDeleted, total, currency, use }) => [
    tenant,
    String(generation),
    isDeleted ? 'deleted' : '',
    use.requests,
    `${total} ${currency}`,
  ]);
  print(table(['TENANT', 'GENERATION', '', 'REQUESTS', 'TOTAL'], rows));
}

/** As it is read; docs/from-call-to-invoice.md shows one. */
export function invoiceText(invoice: InvoiceJson): string {
  const { tenant, month, isFinal, currency, lines, total, functions, priceListId } = invoice;
  const rows = lines.map(({ meter, unit, from, upTo, quantity, perUnit, price, amount }) => [
    meter,
    upTo === undefined ? (from === 0 ? 'all' : `above ${from}`) : `${from} to ${upTo}`,
    `${inUnits(quantity, perUnit)} ${unit}`,
    `x ${price}`,
    amount,
  ]);
  const parts = functions.map((part) => [
    part.function,
    String(part.version),
    part.requests,
    part.fuel,
    part.memoryTimeKiBMs,
    part.egressBytes,
  ]);
  return [
    `${tenant}, ${month}${isFinal ? '' : ' so far'} (price list ${priceListId})`,
    '',
    table(['METER', 'STEP', 'QUANTITY', 'PRICE', currency], [...rows, ['', '', '', 'total', total]]),
    '',
    table(['FUNCTION', 'VERSION', 'REQUESTS', 'FUEL', 'KIB x MS', 'BYTES OUT'], parts),
  ].join('\n');
}

function proofText({ invoice, holds, totalFromRecords, checks }: VerificationJson): string {
  const rows = checks.map(({ from, to, begin, end, invocations, differences }) => [
    `${from} = ${to}`,
    begin === end ? 'nothing kept' : `${begin} to ${end}`,
    invocations,
    differences.length === 0 ? 'equal' : `${differences.length} differ`,
  ]);
  const differing = checks.flatMap(({ from, to, differences }) =>
    differences.map(
      (each) =>
        `${from} = ${to}: ${each.function} version ${each.version} ${each.sum}: ${each.added} added up, ${each.kept} kept`,
    ),
  );
  return [
    `${invoice.tenant}, ${invoice.month}: ${invoice.total} ${invoice.currency}`,
    totalFromRecords === undefined
      ? 'not all of its records are kept any more'
      : `recomputed from its records: ${totalFromRecords} ${invoice.currency}`,
    table(['CHECK', 'TIME', 'INVOCATIONS', 'RESULT'], rows),
    ...differing,
    holds ? 'the bill holds' : 'the bill does NOT hold',
  ].join('\n');
}

/** Quantity of the price's unit, with six digits, cut off: for reading; amounts are computed exactly. */
function inUnits(quantity: string, perUnit: string): string {
  const millionths = (BigInt(quantity) * 1_000_000n) / BigInt(perUnit);
  const fraction = String(millionths % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return `${millionths / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}
