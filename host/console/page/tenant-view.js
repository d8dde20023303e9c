/** A tenant: its functions, what it used, its bill and its queues; a component to publish. */
import { path } from './api.js';
import { auditPanel } from './audit-panel.js';
import { billPanel } from './bill-panel.js';
import { costPanel, thisMonth } from './cost-panel.js';
import { element, panel } from './element.js';
import { FailurePanel } from './failure-panel.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice } from './notice.js';
import { Problem } from './problem.js';
import { publishPanel } from './publish-panel.js';
import { count, fuel } from './quantity.js';
import { queuePanel } from './queue-panel.js';
import { table } from './table.js';
import { mappingPanel, schedulePanel } from './trigger-panel.js';
import { usagePanel } from './usage-panel.js';

/** @import { Api } from './api.js' */
/** @import { FunctionSummaryJson } from '../../control-plane/schemas.ts' */
/** @import { UsageWindow } from './usage-window.js' */

/** A page of the API. Whoever has more looks for one by its address, or with `mayfly list`. */
const MOST_FUNCTIONS = 1_000;

/** @param {{ api: Api, tenant: string, signal: AbortSignal }} options */
export function tenantView({ api, tenant, signal }) {
  const at = path`/tenants/${tenant}`;
  /** @type {UsageWindow | undefined} */
  let usage;
  const failures = new FailurePanel(api, signal);
  const functions = live({
    signal,
    everyMs: 5_000,
    load: () => api.ask(`${at}/functions?limit=${MOST_FUNCTIONS}`, { signal }),
    show: (/** @type {FunctionSummaryJson[]} */ found) =>
      found.length < MOST_FUNCTIONS
        ? functionTable(tenant, found, usage)
        : element(
            'div',
            {},
            element('p', {}, `The first ${count(MOST_FUNCTIONS)} by name.`),
            functionTable(tenant, found, usage),
          ),
  });
  const own = { api, tenants: async () => [tenant], signal };
  const invoices = () =>
    api.ask(`${at}/invoices/${thisMonth()}`, { signal }).then(
      (invoice) => [invoice],
      (cause) => {
        if (cause instanceof Problem && cause.code === 'prices_not_found') return [];
        throw cause;
      },
    );
  return element(
    'div',
    { class: 'view' },
    element('h1', { tabindex: -1 }, tenant),
    element(
      'div',
      { class: 'halves' },
      panel('Functions', functions),
      publishPanel({ api, tenant, signal, onPublished: () => functions.dispatchEvent(new Event('reload')) }),
    ),
    usagePanel({
      api,
      signal,
      path: at,
      onWindow: (window) => {
        usage = window;
        functions.dispatchEvent(new Event('refresh'));
        void failures.show(window);
      },
    }),
    element('div', { class: 'halves' }, billPanel({ api, tenant, signal }), failures.element),
    costPanel({ api, signal, path: at, invoices }),
    queuePanel(own),
    element('div', { class: 'halves' }, mappingPanel(own), schedulePanel(own)),
    api.may('admin') ? auditPanel({ api, tenant, signal }) : undefined,
  );
}

/**
 * @param {string} tenant
 * @param {readonly FunctionSummaryJson[]} functions
 * @param {UsageWindow | undefined} usage
 */
function functionTable(tenant, functions, usage) {
  if (functions.length === 0)
    return emptyNotice(
      'There is no function yet. Drop a component under “Publish”, or:',
      `npx mayfly deploy hello.ts --tenant ${tenant}`,
    );
  const uses = new Map(usage?.functions().map((use) => [use.function, use]));
  return table(
    'Functions',
    [
      {
        title: 'Function',
        cell: ({ name }) => element('a', { href: `#/tenants/${tenant}/functions/${name}` }, name),
      },
      { title: 'Version', isNumber: true, cell: ({ liveVersion }) => liveVersion },
      { title: 'Last hour', isNumber: true, cell: ({ name }) => count(uses.get(name)?.invocations ?? 0) },
      {
        title: 'Failed',
        isNumber: true,
        cell: ({ name }) => {
          const failed = uses.get(name)?.failures ?? 0;
          return element('span', { class: failed > 0 ? 'bad' : undefined }, count(failed));
        },
      },
      { title: 'CPU', isNumber: true, cell: ({ name }) => fuel(uses.get(name)?.fuel ?? 0) },
      { title: 'Changed', cell: ({ updatedAt }) => moment(updatedAt) },
    ],
    functions,
  );
}
