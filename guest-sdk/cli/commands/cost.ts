import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { InvoiceJson } from '../../../host/control-plane/billing-schemas.ts';
import type { FunctionJson } from '../../../host/control-plane/schemas.ts';
import type { UsagePageJson, UsageRecordJson } from '../../../host/control-plane/usage-schemas.ts';
import { decimalOf, divideHalfUp, scaled } from '../../../host/metering/pricing.ts';
import { type Meter, PRICE_DIGITS } from '../../../host/model/price-list.ts';
import type { Client } from '../client.ts';
import { collect, command, withClient } from '../command.ts';
import { loadComponent } from '../component-file.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { Progress, print, printJson, table } from '../terminal.ts';

interface CostOptions extends GlobalOptions {
  readonly against: string;
  readonly data?: readonly string[];
}

/** One call of one side. */
interface Measured {
  readonly input: number;
  readonly side: 'live' | 'candidate';
  readonly record: UsageRecordJson;
  /** Of a million such calls at the prices of the step that the tenant is in; absent where no prices are set. */
  readonly millionCalls?: string;
}

/** Records are in the ledger within a second. */
const RECORD_TIMEOUT_MS = 15_000;

export function costCommand(): Command {
  return command(
    'cost',
    'show what a component would cost beside the live version, before it is deployed',
    `mayfly cost ./new.wasm --against hello --data '{"n":10}' --data @big.json`,
  )
    .argument('<file>', 'a .wasm, .ts, .mts, .js, .mjs or .wat file')
    .requiredOption('--against <name>', 'the function whose live version, settings and inputs it is for')
    .option(
      '--data <text>',
      'an event to call both with: text, or @file (repeatable; an empty one unless given)',
      collect,
    )
    .addHelpText(
      'after',
      `
The candidate is published as a function of its own for as long as this takes, with the settings of the other one but not its
secrets, and is called through the API alone. Both are really called: what they send is sent, and the calls are on the bill.`,
    )
    .action(async (file: string, { against, data = [''], ...options }: CostOptions) => {
      using progress = new Progress();
      const measured = await withClient(options, async (client) => {
        const inputs = await Promise.all(data.map(readInput));
        return measure(client, file, checkedName(against), inputs, progress);
      });
      if (options.json) printJson(measured);
      else print(costTable(measured));
    });
}

async function measure(
  client: Client,
  file: string,
  name: string,
  inputs: readonly Uint8Array[],
  progress: Progress,
): Promise<Measured[]> {
  const { configuration } = await client.json<FunctionJson>({
    method: 'GET',
    path: client.functionsPath(`/${name}`),
  });
  const { bytes } = await loadComponent(file, progress);
  const candidate = `cost-preview-${randomBytes(6).toString('hex')}`;
  const path = client.functionsPath(`/${candidate}`);
  const from = new Date(Date.now() - 60_000).toISOString();
  progress.step(`publishing the candidate as ${candidate}`);
  try {
    await client.json({ method: 'PUT', path, headers: { 'content-type': 'application/wasm' }, body: bytes });
    await client.json({
      method: 'PATCH',
      path: `${path}/configuration`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...configuration, access: { type: 'key' }, cors: null, reservedConcurrency: 0 }),
    });
    const calls: { readonly input: number; readonly side: Measured['side']; readonly id: string }[] = [];
    for (const [i, body] of inputs.entries()) {
      progress.step(`calling both with input ${i + 1} of ${inputs.length}`);
      for (const side of ['live', 'candidate'] as const)
        calls.push({
          input: i + 1,
          side,
          id: await invoke(client, side === 'live' ? name : candidate, body),
        });
    }
    progress.step('waiting for the ledger');
    const records = new Map([
      ...(await recordsOf(
        client,
        name,
        from,
        calls.filter(({ side }) => side === 'live').map(({ id }) => id),
      )),
      ...(await recordsOf(
        client,
        candidate,
        from,
        calls.filter(({ side }) => side === 'candidate').map(({ id }) => id),
      )),
    ]);
    const invoice = await invoiceOf(client);
    return calls.map(({ input, side, id }) => {
      const record = records.get(id)!;
      return {
        input,
        side,
        record,
        ...(invoice === undefined ? {} : { millionCalls: ofMillion(record, invoice) }),
      };
    });
  } finally {
    await client.send({ method: 'DELETE', path }).catch((error: unknown) => {
      // Not there, or not any more: the first error is the one to tell.
      if (!(error instanceof CliError)) throw error;
    });
  }
}

/** Calls it and gives the invocation's id, however it ends. */
async function invoke(client: Client, name: string, body: Uint8Array): Promise<string> {
  const path = client.functionsPath(`/${name}/invocations`);
  try {
    const response = await client.send({ method: 'POST', path, body });
    await response.body.dump({ limit: Number.MAX_SAFE_INTEGER });
    return String(response.headers['mayfly-invocation-id']);
  } catch (error) {
    const id = error instanceof CliError ? error.problem?.instance?.replace('urn:uuid:', '') : undefined;
    if (id === undefined) throw error;
    return id;
  }
}

/** @throws {CliError} where one of them does not come: it was refused before it ran */
async function recordsOf(
  client: Client,
  name: string,
  from: string,
  ids: readonly string[],
): Promise<Map<string, UsageRecordJson>> {
  const path = `/v1/tenants/${client.settings.tenant}/usage?level=record&function=${name}&from=${from}`;
  const untilMs = Date.now() + RECORD_TIMEOUT_MS;
  for (;;) {
    const found = new Map<string, UsageRecordJson>();
    for (let after = ''; ; ) {
      const page = await client.json<UsagePageJson>({ method: 'GET', path: path + after });
      for (const row of page.rows) if ('invocationId' in row) found.set(row.invocationId, row);
      if (page.next === undefined) break;
      after = `&after=${page.next}`;
    }
    if (ids.every((id) => found.has(id))) return found;
    if (Date.now() > untilMs)
      throw new CliError('failed', `not every call of ${name} left a record: was one refused?`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Of this month; undefined where no prices are set. */
async function invoiceOf(client: Client): Promise<InvoiceJson | undefined> {
  const month = new Date().toISOString().slice(0, 7);
  try {
    return await client.json<InvoiceJson>({
      method: 'GET',
      path: `/v1/tenants/${client.settings.tenant}/invoices/${month}`,
    });
  } catch (error) {
    if (error instanceof CliError && error.problem?.code === 'prices_not_found') return undefined;
    throw error;
  }
}

/** The last line of a meter is the step that the tenant is in; a meter without lines was not used, by these calls neither. */
function ofMillion(record: UsageRecordJson, { lines }: InvoiceJson): string {
  const amounts: Record<Meter, number> = {
    requests: 1,
    fuel: record.fuel,
    memory: record.memoryTimeKiBMs,
    egress: record.egressBytes,
  };
  const last = new Map(lines.map((line) => [line.meter as Meter, line]));
  let total = 0n;
  for (const [meter, { price, perUnit }] of last) {
    const quantity = BigInt(amounts[meter]) * 1_000_000n;
    total += divideHalfUp(
      quantity * scaled(price, PRICE_DIGITS),
      BigInt(perUnit) * 10n ** BigInt(PRICE_DIGITS - 4),
    );
  }
  return decimalOf(total, 4);
}

async function readInput(text: string): Promise<Uint8Array> {
  if (!text.startsWith('@')) return Buffer.from(text);
  return readFile(text.slice(1)).catch((error: Error) => {
    throw new CliError('usage', error.message);
  });
}

function costTable(measured: readonly Measured[]): string {
  const rows = measured.map(({ input, side, record, millionCalls }) => [
    String(input),
    side === 'live' ? `live, version ${record.version}` : 'candidate',
    record.outcome,
    record.fuel.toLocaleString('en-US'),
    record.peakMemoryBytes.toLocaleString('en-US'),
    record.memoryTimeKiBMs.toLocaleString('en-US'),
    record.egressBytes.toLocaleString('en-US'),
    millionCalls ?? 'no prices',
  ]);
  return table(
    ['INPUT', 'SIDE', 'OUTCOME', 'FUEL', 'PEAK MEMORY', 'KIB x MS', 'BYTES OUT', 'A MILLION CALLS'],
    rows,
  );
}
