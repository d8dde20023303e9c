import { type Command, InvalidArgumentError } from 'commander';
import type { BudgetUseJson } from '../../../host/control-plane/billing-schemas.ts';
import { command, commandGroup, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface SetOptions extends GlobalOptions {
  readonly alertAt?: readonly number[];
  readonly webhook?: string;
  readonly hardStop?: boolean;
}

export function budgetCommand(): Command {
  return commandGroup(
    'budget',
    'see what a tenant may cost in a month; set it with the operator’s key',
    'mayfly budget show --tenant acme',
    [showCommand(), setCommand(), deleteCommand()],
  );
}

function showCommand(): Command {
  return command('show', 'show the budget and what of it is used', 'mayfly budget show --tenant acme').action(
    async (options: GlobalOptions) => {
      const use = await withClient(options, (client) =>
        client.json<BudgetUseJson>({ method: 'GET', path: pathOf(client.settings.tenant) }),
      );
      show(use, options);
    },
  );
}

function setCommand(): Command {
  return command(
    'set',
    'set the budget of a tenant, in the currency of the price list',
    'mayfly budget set 25.00 --alert-at 50,80,100 --webhook https://ops.example/alerts --hard-stop --tenant acme',
  )
    .argument('<amount>', 'of a calendar month, such as 25.00')
    .option('--alert-at <percents>', 'when to alert (50,80,100)', parsePercents)
    .option('--webhook <url>', 'where alerts are posted')
    .option('--hard-stop', 'refuse invocations once the amount is reached')
    .action(async (amount: string, { alertAt, webhook, hardStop, ...options }: SetOptions) => {
      const body = JSON.stringify({ amount, thresholds: alertAt, webhook, hardStop });
      const use = await withClient(options, (client) =>
        client.json<BudgetUseJson>({
          method: 'PUT',
          path: pathOf(client.settings.tenant),
          headers: { 'content-type': 'application/json' },
          body,
        }),
      );
      show(use, options);
    });
}

function deleteCommand(): Command {
  return command(
    'delete',
    'delete the budget of a tenant, and with it a stop',
    'mayfly budget delete --tenant acme',
  ).action(async (options: GlobalOptions) => {
    await withClient(options, async (client) => {
      const { tenant } = client.settings;
      await client.send({ method: 'DELETE', path: pathOf(tenant) });
      if (options.json) printJson({ deleted: tenant });
      else print(`deleted the budget of ${tenant}`);
    });
  });
}

function pathOf(tenant: string): string {
  return `/v1/tenants/${tenant}/budget`;
}

function parsePercents(text: string): number[] {
  const percents = text.split(',').map(Number);
  if (!percents.every(Number.isInteger))
    throw new InvalidArgumentError('write whole percents, such as 50,80,100');
  return percents;
}

function show(use: BudgetUseJson, options: GlobalOptions): void {
  if (options.json) {
    printJson(use);
    return;
  }
  const { budget, month, spent, currency, stopped, alerts } = use;
  const lines = [
    spent === undefined
      ? `${budget.amount} a month; no price list holds for ${month}`
      : `${spent} of ${budget.amount} ${currency} in ${month}`,
    `alerts at ${budget.thresholds.join(', ')} %${budget.webhook === undefined ? '' : `, posted to ${budget.webhook}`}`,
    budget.hardStop ? `hard stop: ${stopped ? 'invocations are refused' : 'not reached'}` : 'no hard stop',
    ...alerts.map(
      ({ threshold, reachedAt, deliveredAt }) =>
        `${threshold} % reached ${reachedAt}${deliveredAt === undefined ? '' : `, delivered ${deliveredAt}`}`,
    ),
  ];
  print(lines.join('\n'));
}
