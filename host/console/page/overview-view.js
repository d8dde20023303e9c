/** What the operator of the host sees: all tenants, and how the host does. */
import { path } from './api.js';
import { auditPanel } from './audit-panel.js';
import { costPanel, thisMonth } from './cost-panel.js';
import { element, panel } from './element.js';
import { FailurePanel } from './failure-panel.js';
import { live } from './live.js';
import { Problem } from './problem.js';
import { count, fuel, gibibyteSeconds, money } from './quantity.js';
import { queuePanel } from './queue-panel.js';
import { remeteringNote } from './remetering-note.js';
import { table } from './table.js';
import { mappingPanel, schedulePanel } from './trigger-panel.js';
import { usagePanel } from './usage-panel.js';
import { noUse } from './usage-window.js';

/** @import { Api } from './api.js' */
/** @import { InvoiceJson } from '../../control-plane/billing-schemas.ts' */
/** @import { TenantJson } from '../../control-plane/tenant-schemas.ts' */
/** @import { Sums, UsageWindow } from './usage-window.js' */

/** Bills that are asked for; a host with more tenants has `mayfly invoice`. */
const MOST_BILLS = 100;

/** @param {{ api: Api, signal: AbortSignal }} options */
export function overviewView({ api, signal }) {
  /** @type {UsageWindow | undefined} */
  let usage;
  const failures = new FailurePanel(api, signal);
  /** @type {Promise<TenantJson[]> | undefined} */
  let known;
  const tenants = () => {
    known = api.ask('/tenants', { signal });
    return known;
  };
  const names = async () => (await (known ?? tenants())).map(({ name }) => name);
  /** @type {Map<string, InvoiceJson>} */
  let bills = new Map();
  const invoices = async () => {
    bills = await invoicesOf(api, (await names()).slice(0, MOST_BILLS), signal);
    list.dispatchEvent(new Event('refresh'));
    return [...bills.values()];
  };
  const list = live({
    signal,
    everyMs: 5_000,
    load: tenants,
    show: (found) => tenantTable(found, usage, bills),
  });
  const cost = costPanel({ api, signal, path: '', invoices });
  return element(
    'div',
    { class: 'view' },
    element('h1', { tabindex: -1 }, 'Host'),
    remeteringNote({ api, signal }),
    usagePanel({
      api,
      signal,
      path: '',
      onWindow: (window) => {
        usage = window;
        list.dispatchEvent(new Event('refresh'));
        void failures.show(window);
      },
    }),
    element('div', { class: 'halves' }, panel('Tenants', list), failures.element),
    cost,
    queuePanel({ api, tenants: names, signal }),
    element(
      'div',
      { class: 'halves' },
      mappingPanel({ api, tenants: names, signal }),
      schedulePanel({ api, tenants: names, signal }),
    ),
    auditPanel({ api, signal }),
  );
}

/**
 * @param {readonly TenantJson[]} tenants
 * @param {UsageWindow | undefined} usage
 * @param {ReadonlyMap<string, InvoiceJson>} bills
 */
function tenantTable(tenants, usage, bills) {
  /** @type {Map<string, Sums>} */
  const uses = new Map();
  for (const { tenant, function: _, ...use } of usage?.functions() ?? []) {
    const sums = uses.get(tenant) ?? noUse();
    for (const name of /** @type {(keyof Sums)[]} */ (Object.keys(sums))) sums[name] += use[name];
    uses.set(tenant, sums);
  }
  const of = (/** @type {TenantJson} */ { name }) => uses.get(name) ?? noUse();
  return [
    table(
      'Tenants',
      [
        { title: 'Tenant', cell: ({ name }) => element('a', { href: `#/tenants/${name}` }, name) },
        { title: 'Last hour', isNumber: true, cell: (tenant) => count(of(tenant).invocations) },
        {
          title: 'Failed',
          isNumber: true,
          cell: (tenant) =>
            element(
              'span',
              { class: of(tenant).failures > 0 ? 'bad' : undefined },
              count(of(tenant).failures),
            ),
        },
        { title: 'CPU', isNumber: true, cell: (tenant) => fuel(of(tenant).fuel) },
        {
          title: 'Memory × time',
          isNumber: true,
          cell: (tenant) => gibibyteSeconds(of(tenant).memoryTimeKiBMs),
        },
        {
          title: 'This month',
          isNumber: true,
          cell: ({ name }) => {
            const bill = bills.get(name);
            return bill === undefined ? '–' : money(bill.total, bill.currency);
          },
        },
      ],
      tenants,
    ),
    tenants.length > 1
      ? undefined
      : element(
          'p',
          { class: 'muted' },
          'Make another tenant: ',
          element('code', {}, 'npx mayfly tenants create acme'),
        ),
  ];
}

/**
 * Without those that have no bill: no prices hold, or the tenant has just gone.
 * @param {Api} api
 * @param {readonly string[]} tenants
 * @param {AbortSignal} signal
 */
async function invoicesOf(api, tenants, signal) {
  const asked = tenants.map(async (tenant) => {
    try {
      return [[tenant, await api.ask(path`/tenants/${tenant}/invoices/${thisMonth()}`, { signal })]];
    } catch (cause) {
      if (cause instanceof Problem && cause.status === 404) return [];
      throw cause;
    }
  });
  return new Map(/** @type {[string, InvoiceJson][]} */ ((await Promise.all(asked)).flat()));
}
