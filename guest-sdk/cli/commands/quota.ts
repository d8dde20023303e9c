import type { Command } from 'commander';
import type { TenantQuotasJson } from '../../../host/control-plane/quota-schemas.ts';
import { TENANT_QUOTAS, type TenantQuotaName, UNBOUNDED } from '../../../host/limits/tenant-quota-limits.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { parseQuantity } from '../quantity.ts';
import type { GlobalOptions } from '../settings.ts';
import { formatBytes, print, printJson, table } from '../terminal.ts';

const NAMES = Object.keys(TENANT_QUOTAS);

export function quotaCommand(): Command {
  return commandGroup(
    'quota',
    'see what a tenant may use and uses; set it with the operator’s key',
    'mayfly quota show --tenant acme',
    [showCommand(), setCommand()],
  );
}

function showCommand(): Command {
  return command(
    'show',
    'show the quotas of a tenant and their use',
    'mayfly quota show --tenant acme',
  ).action(async (options: GlobalOptions) => {
    const quotas = await withClient(options, (client) =>
      client.json<TenantQuotasJson>({ method: 'GET', path: pathOf(client.settings.tenant) }),
    );
    show(quotas, options);
  });
}

function setCommand(): Command {
  return command(
    'set',
    'set quotas of a tenant; the others stay as they are',
    'mayfly quota set concurrency=50 requestsPerSecond=200 requestBurst=400 storedBytes=1GiB --tenant acme',
  )
    .argument('<quota=value...>', `any of ${NAMES.join(', ')}; \`none\` where a quota can be lifted`)
    .action(async (pairs: readonly string[], options: GlobalOptions) => {
      const body = JSON.stringify(Object.fromEntries(pairs.map(parsePair)));
      const quotas = await withClient(options, (client) =>
        client.json<TenantQuotasJson>({
          method: 'PATCH',
          path: pathOf(client.settings.tenant),
          headers: { 'content-type': 'application/json' },
          body,
        }),
      );
      show(quotas, options);
    });
}

function pathOf(tenant: string): string {
  return `/v1/tenants/${tenant}/quotas`;
}

function parsePair(pair: string): [name: string, value: number] {
  const at = pair.indexOf('=');
  if (at <= 0) throw new CliError('usage', `${pair}: write it as quota=value`);
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  if (!isQuota(name)) throw new CliError('usage', `${name} is no quota; there are ${NAMES.join(', ')}`);
  return [name, value === 'none' ? TENANT_QUOTAS[name].hard : parseQuantity(value, TENANT_QUOTAS[name].unit)];
}

function isQuota(name: string): name is TenantQuotaName {
  return Object.hasOwn(TENANT_QUOTAS, name);
}

function show(quotas: TenantQuotasJson, options: GlobalOptions): void {
  if (options.json) {
    printJson(quotas);
    return;
  }
  const rows = Object.entries(quotas).map(([name, { limit, used, resetAt }]) => [
    name,
    amount(name as TenantQuotaName, limit),
    used === undefined ? '' : amount(name as TenantQuotaName, used),
    resetAt ?? '',
  ]);
  print(table(['QUOTA', 'LIMIT', 'USED', 'RESETS'], rows));
}

function amount(name: TenantQuotaName, value: number): string {
  if (value >= UNBOUNDED) return 'none';
  const { unit } = TENANT_QUOTAS[name];
  if (unit === 'By') return formatBytes(value);
  return unit === 'ms' ? `${value} ms` : value.toLocaleString('en-US');
}
