/** What was used in the last hour: figures, rates minute by minute, latencies and cold starts. Of a host, a tenant or a function. */
import { element, fill, panel } from './element.js';
import { Histogram } from './histogram.js';
import { live } from './live.js';
import { relative } from './moment.js';
import { emptyNotice } from './notice.js';
import { Plot } from './plot.js';
import { count, fuel, gibibyteSeconds, rate, share } from './quantity.js';
import { UsageWindow } from './usage-window.js';

/** @import { Api } from './api.js' */
/** @import { LatenciesJson } from '../../control-plane/latencies.ts' */

const RATES_EVERY_MS = 5_000;
const LATENCIES_EVERY_MS = 15_000;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {AbortSignal} options.signal
 * @param {string} options.path of the tenant, or '' for the host
 * @param {string} [options.function]
 * @param {(window: UsageWindow) => void} [options.onWindow] hears of each load
 */
export function usagePanel({ api, signal, path, function: name, onWindow }) {
  const query = /** @type {Record<string, string>} */ (name === undefined ? {} : { function: name });
  const usage = new UsageWindow(api, `${path}/usage`, query);
  const tiles = element('dl', { class: 'tiles' });
  const hint = element('div', {});
  const rates = new Plot(
    {
      title: 'Invocations',
      series: [
        { title: 'All, a second', colour: 'accent', format: rate },
        { title: 'Failed, a second', colour: 'bad', format: rate },
      ],
      x: 'time',
      shape: 'line',
      formatX: (at) => `${new Date(at * 1_000).toISOString().slice(11, 16)} UTC`,
      formatTick: (at) => new Date(at * 1_000).toISOString().slice(11, 16),
    },
    signal,
  );
  const showRates = (/** @type {UsageWindow} */ window) => {
    const total = window.total();
    const now = window.rateNow;
    fill(
      tiles,
      tile('Now', now === undefined ? 'measuring' : rate(now), 'invocations a second'),
      tile('Last hour', count(total.invocations), 'invocations'),
      tile('Failed', share(total.failures, total.invocations), count(total.failures)),
      tile('Cold starts', share(total.coldStarts, total.invocations), count(total.coldStarts)),
      tile('CPU', fuel(total.fuel), 'last hour'),
      tile('Memory × time', gibibyteSeconds(total.memoryTimeKiBMs), 'last hour'),
    );
    const minutes = window.minutes();
    rates.show(
      [
        minutes.map(({ at }) => at),
        minutes.map(({ invocations }) => invocations / 60),
        minutes.map(({ failures }) => failures / 60),
      ],
      summaryOf(minutes),
    );
    fill(hint, total.invocations > 0 ? undefined : nothingYet(name));
    onWindow?.(window);
  };
  const warm = new Histogram('Latency, instance ready', 'accent', signal);
  const cold = new Histogram('Latency, cold start', 'second', signal);
  const init = new Histogram('Making an instance', 'second', signal);
  const showLatencies = (/** @type {LatenciesJson} */ latencies) => {
    warm.show(latencies.warm, latencies.boundsUs);
    cold.show(latencies.cold, latencies.boundsUs);
    init.show(latencies.init, latencies.boundsUs);
  };
  return panel(
    'Last hour',
    live({
      signal,
      everyMs: RATES_EVERY_MS,
      load: () => usage.load(signal),
      show: showRates,
      initial: [hint, tiles, rates.element],
    }),
    live({
      signal,
      everyMs: LATENCIES_EVERY_MS,
      load: () => api.ask(`${path}/latencies`, { query, signal }),
      show: showLatencies,
      initial: [element('div', { class: 'plots' }, warm.element, cold.element, init.element)],
    }),
  );
}

/**
 * @param {string} title
 * @param {string} value
 * @param {string} note
 */
export function tile(title, value, note) {
  return element(
    'div',
    { class: 'tile' },
    element('dt', {}, title),
    element('dd', {}, value, element('span', {}, note)),
  );
}

/** @param {readonly { at: number, invocations: number }[]} minutes */
function summaryOf(minutes) {
  const busiest = minutes.reduce((a, b) => (b.invocations > a.invocations ? b : a));
  if (busiest.invocations === 0) return 'none in the last hour';
  return `most: ${rate(busiest.invocations / 60)}, ${relative(busiest.at * 1_000)}`;
}

/** @param {string | undefined} name */
function nothingYet(name) {
  return name === undefined
    ? emptyNotice('Nothing was invoked in the last hour. Call a function:', 'npx mayfly invoke hello-ts')
    : emptyNotice('Nobody called it in the last hour. Try it below, or:', `npx mayfly invoke ${name}`);
}
