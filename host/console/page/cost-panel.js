/** Fuel and cost, day by day of this month. A day's cost is its share of the month's bill so far, meter by meter, by what was used. */
import { panel } from './element.js';
import { live } from './live.js';
import { Plot } from './plot.js';
import { fuel, money, significant } from './quantity.js';

/** @import { Api } from './api.js' */
/** @import { InvoiceJson } from '../../control-plane/billing-schemas.ts' */
/** @import { UsageRollupJson } from '../../control-plane/usage-schemas.ts' */

const EVERY_MS = 60_000;
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** Meters of a price list, and what of a roll-up each of them counts. */
const METERED = /** @type {const} */ ({
  requests: 'invocations',
  fuel: 'fuel',
  memory: 'memoryTimeKiBMs',
  egress: 'egressBytes',
});

export const thisMonth = () => new Date().toISOString().slice(0, 7);

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {AbortSignal} options.signal
 * @param {string} options.path of the tenant, or '' for the host
 * @param {() => Promise<InvoiceJson[]>} options.invoices
 */
export function costPanel({ api, signal, path, invoices }) {
  const formatTick = (/** @type {number} */ at) => DAY.format(at * 1_000);
  const formatX = (/** @type {number} */ at) => new Date(at * 1_000).toISOString().slice(0, 10);
  const used = new Plot(
    {
      title: 'Fuel a day',
      series: [{ title: 'Fuel', colour: 'accent', format: fuel }],
      x: 'time',
      shape: 'bars',
      formatX,
      formatTick,
    },
    signal,
  );
  let currency = '';
  const cost = new Plot(
    {
      title: 'Cost a day',
      series: [{ title: 'Cost', colour: 'second', format: (value) => `${significant(value)} ${currency}` }],
      x: 'time',
      shape: 'bars',
      formatX,
      formatTick,
    },
    signal,
  );
  const load = async () => {
    const query = { level: 'day', from: thisMonth() };
    const [rows, bills] = await Promise.all([api.rollups(`${path}/usage`, query, signal), invoices()]);
    return { rows, bills };
  };
  const place = live({
    signal,
    everyMs: EVERY_MS,
    load,
    show: ({ rows, bills }) => {
      const days = daysOfMonth();
      const fuelOf = days.map((day) =>
        sum(rows.filter((row) => dayOf(row) === day).map((row) => Number(row.fuel))),
      );
      used.show([days, fuelOf], `${fuel(sum(fuelOf))} so far this month`);
      currency = bills[0]?.currency ?? '';
      const costOf = days.map((day) => sum(bills.map((bill) => costOfDay(bill, rows, day))));
      cost.show(
        [days, costOf],
        bills.length === 0 ? 'no price list is set' : `${total(bills)} so far this month`,
      );
    },
    initial: [used.element, cost.element],
  });
  place.classList.add('plots');
  return panel('This month', place);
}

/** Exact: amounts are decimal texts of one length behind the point. @param {readonly InvoiceJson[]} bills */
export function total(bills) {
  const digits = Math.max(0, ...bills.map(({ total: text }) => text.split('.')[1]?.length ?? 0));
  const units = bills.reduce((all, { total: text }) => all + minorUnits(text, digits), 0n);
  const padded = units.toString().padStart(digits + 1, '0');
  const text = digits === 0 ? padded : `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
  return money(text, bills[0]?.currency ?? '');
}

/** @param {string} text @param {number} digits */
function minorUnits(text, digits) {
  const [whole = '0', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(digits, '0'));
}

/**
 * @param {InvoiceJson} bill
 * @param {readonly UsageRollupJson[]} rows
 * @param {number} day
 */
function costOfDay(bill, rows, day) {
  const own = rows.filter(({ tenant, billed }) => tenant === bill.tenant && billed);
  return sum(
    Object.entries(METERED).map(([meter, name]) => {
      const amount = sum(
        bill.lines.filter((line) => line.meter === meter).map((line) => Number(line.amount)),
      );
      const whole = sum(own.map((row) => Number(row[name])));
      if (amount === 0 || whole === 0) return 0;
      return (amount * sum(own.filter((row) => dayOf(row) === day).map((row) => Number(row[name])))) / whole;
    }),
  );
}

/** Up to today, each by its beginning in seconds. */
function daysOfMonth() {
  const days = [];
  for (let at = Date.parse(thisMonth()); at <= Date.now(); at += 86_400_000) days.push(at / 1_000);
  return days;
}

/** @param {UsageRollupJson} row */
const dayOf = (row) => Date.parse(row.start) / 1_000;

/** @param {readonly number[]} values */
const sum = (values) => values.reduce((all, one) => all + one, 0);
