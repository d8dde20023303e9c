import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TenantJson } from '../../../host/control-plane/tenant-schemas.ts';
import {
  TENANT_CLOCKS,
  TENANT_ISOLATIONS,
  type TenantClock,
  type TenantIsolation,
} from '../../../host/model/tenant.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { checkedTenant, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface SettingsOptions extends GlobalOptions {
  readonly weight?: number;
  readonly clock?: TenantClock;
  readonly isolation?: TenantIsolation;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

export function tenantsCommand(): Command {
  return commandGroup(
    'tenants',
    "create and look after tenants, with the operator's key",
    'mayfly tenants create acme',
    [createCommand(), listCommand(), describeCommand(), configureCommand(), deleteCommand()],
  );
}

function createCommand(): Command {
  return command('create', 'create a tenant', 'mayfly tenants create acme --weight 2')
    .argument('<name>', 'the tenant')
    .addOption(weightOption())
    .addOption(clockOption())
    .addOption(isolationOption())
    .action(async (name: string, options: SettingsOptions) => {
      const body = JSON.stringify({ name: checkedTenant(name), settings: settingsOf(options) });
      const tenant = await withClient(options, (client) =>
        client.json<TenantJson>({ method: 'POST', path: '/v1/tenants', headers: JSON_HEADERS, body }),
      );
      if (options.json) printJson(tenant);
      else print(`created ${name}; \`mayfly keys create <key> --tenant ${name}\` makes a key for it`);
    });
}

function listCommand(): Command {
  return command('list', 'list the tenants', 'mayfly tenants list').action(async (options: GlobalOptions) => {
    const tenants = await withClient(options, (client) =>
      client.json<TenantJson[]>({ method: 'GET', path: '/v1/tenants' }),
    );
    if (options.json) printJson(tenants);
    else
      print(
        table(
          ['NAME', 'WEIGHT', 'CREATED'],
          tenants.map(({ name, settings, createdAt }) => [name, String(settings.weight), createdAt]),
        ),
      );
  });
}

function describeCommand(): Command {
  return command('describe', 'show a tenant and its settings', 'mayfly tenants describe acme')
    .argument('<name>', 'the tenant')
    .action(async (name: string, options: GlobalOptions) => {
      const tenant = await withClient(options, (client) =>
        client.json<TenantJson>({ method: 'GET', path: `/v1/tenants/${checkedTenant(name)}` }),
      );
      show(tenant, options);
    });
}

function configureCommand(): Command {
  return command('configure', 'change settings of a tenant', 'mayfly tenants configure acme --weight 2')
    .argument('<name>', 'the tenant')
    .addOption(weightOption())
    .addOption(clockOption())
    .addOption(isolationOption())
    .action(async (name: string, options: SettingsOptions) => {
      const settings = settingsOf(options);
      if (Object.keys(settings).length === 0)
        throw new CliError('usage', 'nothing to change: name a setting, such as --weight 2');
      const tenant = await withClient(options, (client) =>
        client.json<TenantJson>({
          method: 'PATCH',
          path: `/v1/tenants/${checkedTenant(name)}/settings`,
          headers: JSON_HEADERS,
          body: JSON.stringify(settings),
        }),
      );
      show(tenant, options);
    });
}

function deleteCommand(): Command {
  return command('delete', 'delete a tenant with its keys', 'mayfly tenants delete acme --with-functions')
    .argument('<name>', 'the tenant')
    .option('--with-functions', 'delete its functions, too; without this, a tenant that has some stays')
    .action(async (name: string, options: GlobalOptions & { readonly withFunctions?: boolean }) => {
      const query = options.withFunctions ? '?withFunctions=true' : '';
      await withClient(options, async (client) => {
        const path = `/v1/tenants/${checkedTenant(name)}${query}`;
        const { body } = await client.send({ method: 'DELETE', path });
        await body.dump();
      });
      if (options.json) printJson({ deleted: name });
      else print(`deleted ${name}`);
    });
}

function weightOption(): Option {
  const about = 'share of a busy thread, relative to other tenants (1)';
  return new Option('--weight <share>', about).argParser(parseWeight);
}

function clockOption(): Option {
  const about = 'what its functions see of time: steps of a millisecond, or all of it (coarse)';
  return new Option('--clock <kind>', about).choices(TENANT_CLOCKS);
}

function isolationOption(): Option {
  const about = 'whether its functions share threads with others or have a process of their own (shared)';
  return new Option('--isolation <kind>', about).choices(TENANT_ISOLATIONS);
}

/** Those that were named. */
function settingsOf({ weight, clock, isolation }: SettingsOptions): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ weight, clock, isolation }).filter(([, value]) => value !== undefined),
  );
}

function parseWeight(text: string): number {
  const weight = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || weight === 0)
    throw new InvalidArgumentError('It is a number above 0, such as 2 or 0.5.');
  return weight;
}

function show(tenant: TenantJson, options: GlobalOptions): void {
  if (options.json) printJson(tenant);
  else
    for (const [key, value] of Object.entries({
      name: tenant.name,
      ...tenant.settings,
      created: tenant.createdAt,
    }))
      print(`${key} = ${typeof value === 'object' ? JSON.stringify(value) : value}`);
}
