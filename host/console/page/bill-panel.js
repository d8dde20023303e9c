/** The bill of a tenant for this month so far, line by line, and what is left of its budget. */

import { path } from './api.js';
import { thisMonth } from './cost-panel.js';
import { element, panel } from './element.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice, problemNotice } from './notice.js';
import { Problem } from './problem.js';
import { bytes, count, fuel, gibibyteSeconds, money } from './quantity.js';
import { table } from './table.js';

/** @import { Api } from './api.js' */
/** @import { BudgetUseJson, InvoiceJson } from '../../control-plane/billing-schemas.ts' */

/** @type {Readonly<Record<string, (quantity: number) => string>>} */
const QUANTITIES = {
  requests: (quantity) => `${count(quantity)} requests`,
  fuel,
  memory: gibibyteSeconds,
  egress: bytes,
};

/** @param {{ api: Api, tenant: string, signal: AbortSignal }} options */
export function billPanel({ api, tenant, signal }) {
  const load = async () => {
    const [invoice, budget] = await Promise.all([
      api.ask(path`/tenants/${tenant}/invoices/${thisMonth()}`, { signal }).catch(asProblem),
      api.ask(path`/tenants/${tenant}/budget`, { signal }).catch(asProblem),
    ]);
    return { invoice, budget };
  };
  return panel(
    'Bill',
    live({
      signal,
      everyMs: 30_000,
      load,
      show: ({ invoice, budget }) => [
        invoice instanceof Problem ? noBill(api, invoice) : bill(invoice),
        budget instanceof Problem ? noBudget(api, tenant, budget) : budgetUse(budget),
      ],
    }),
  );
}

/** @param {unknown} cause @returns {Problem} */
function asProblem(cause) {
  if (cause instanceof Problem) return cause;
  throw cause;
}

/** @param {InvoiceJson} invoice */
function bill(invoice) {
  const { lines, currency, month, isFinal } = invoice;
  const head = element(
    'p',
    { class: 'total' },
    element('strong', {}, money(invoice.total, currency)),
    ` for ${month}${isFinal ? '' : ', so far'}`,
  );
  if (lines.length === 0) return [head, element('p', { class: 'muted' }, 'Nothing was used yet.')];
  return [
    head,
    table(
      `Bill for ${month}`,
      [
        { title: 'Meter', cell: ({ meter }) => meter },
        {
          title: 'Quantity',
          isNumber: true,
          cell: (line) => QUANTITIES[line.meter]?.(Number(line.quantity)) ?? line.quantity,
        },
        { title: 'Price', isNumber: true, cell: ({ price, unit }) => `${money(price, currency)} / ${unit}` },
        { title: 'Amount', isNumber: true, cell: ({ amount }) => money(amount, currency) },
      ],
      lines,
    ),
  ];
}

/** @param {Api} api @param {Problem} problem */
function noBill(api, problem) {
  if (problem.code !== 'prices_not_found') return problemNotice(problem);
  return api.isOperator
    ? emptyNotice(
        'There is no price list, and so no bill. Write one and set it:',
        'npx mayfly prices set prices.json',
      )
    : emptyNotice('The operator of this host has set no prices: nothing is billed.');
}

/** @param {BudgetUseJson} use */
function budgetUse({ budget, spent, currency, stopped, alerts }) {
  const alert = alerts.at(-1);
  return element(
    'p',
    { class: stopped ? 'notice bad' : 'muted' },
    `Budget: ${spent ?? '0'} of ${money(budget.amount, currency ?? '')} a month. `,
    stopped ? 'It is used up: invocations are refused until the month ends. ' : undefined,
    alert === undefined ? undefined : [`${alert.threshold} % was reached `, moment(alert.reachedAt), '.'],
  );
}

/** @param {Api} api @param {string} tenant @param {Problem} problem */
function noBudget(api, tenant, problem) {
  if (problem.code !== 'budget_not_found') return problemNotice(problem);
  return element(
    'p',
    { class: 'muted' },
    'No budget bounds it. ',
    api.isOperator ? element('code', {}, `npx mayfly budget set 25.00 --tenant ${tenant}`) : undefined,
  );
}
