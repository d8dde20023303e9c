/**
 * A plot: a canvas by uPlot, a legend, what lies under the pointer, and the same values as a table for whoever does not
 * see it.
 */
import { element, fill } from './element.js';
import { table } from './table.js';
import { colour } from './theme.js';
import uPlot from './uplot.js';

/**
 * @typedef {object} Series
 * @property {string} title
 * @property {string} colour a custom property, without its dashes
 * @property {(value: number) => string} format
 */

/**
 * @typedef {object} PlotOptions
 * @property {string} title
 * @property {readonly Series[]} series
 * @property {'time' | 'buckets'} x
 * @property {(x: number) => string} formatX in full
 * @property {(x: number) => string} [formatTick] as short as can be
 * @property {'line' | 'bars'} shape
 */

const HEIGHT = 170;

export class Plot {
  #options;
  #stage;
  #readout;
  #summary;
  #values;
  /** @type {uPlot | undefined} */
  #plot;
  /** @type {number[][]} */
  #data = [];

  /**
   * @param {PlotOptions} options
   * @param {AbortSignal} signal when its view ends
   */
  constructor(options, signal) {
    this.#options = options;
    this.#stage = element('div', { class: 'stage', role: 'img' });
    this.#readout = element('span', { class: 'readout', 'aria-hidden': 'true' });
    this.#summary = element('span', { class: 'summary' });
    this.#values = element(
      'details',
      { class: 'values', 'data-mark': options.title },
      element('summary', {}, 'Values'),
    );
    this.#values.addEventListener('toggle', () => this.#fillValues());
    // The only series is what the title says.
    const legend = (options.series.length > 1 ? options.series : []).map(({ title, colour: name }) =>
      element('span', { class: `key key-${name}` }, title),
    );
    this.element = element(
      'figure',
      { class: 'plot' },
      element('figcaption', {}, element('h3', {}, options.title), this.#summary),
      this.#stage,
      element('div', { class: 'legend' }, ...legend, this.#readout),
      this.#values,
    );
    const resizing = new ResizeObserver(() => this.#resize());
    resizing.observe(this.#stage);
    document.addEventListener('themechange', () => this.#draw(), { signal });
    signal.addEventListener('abort', () => {
      resizing.disconnect();
      this.#plot?.destroy();
    });
  }

  /**
   * @param {number[][]} data x, and a row of numbers for each series
   * @param {string} summary what it comes to, in words
   */
  show(data, summary) {
    const hasValues = data.slice(1).some((row) => row.some((value) => value > 0));
    // Axes without anything between them say less than the words beside the title.
    this.element.classList.toggle('empty', !hasValues && this.#options.shape === 'bars');
    this.#data = data;
    fill(this.#summary, summary);
    this.#stage.setAttribute('aria-label', `${this.#options.title}: ${summary}`);
    if (this.#plot === undefined) this.#draw();
    else this.#plot.setData(this.#drawn());
    this.#fillValues();
  }

  #draw() {
    if (this.#data.length === 0 || this.#stage.clientWidth === 0) return;
    this.#plot?.destroy();
    const { series, x, formatX, formatTick = formatX, shape } = this.#options;
    const ink = colour('muted');
    const grid = { stroke: colour('line'), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: '11px system-ui, sans-serif' };
    const bars = uPlot.paths.bars?.({ size: [0.86, 60], align: 0 });
    this.#plot = new uPlot(
      {
        width: this.#stage.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
        scales: {
          x:
            x === 'time'
              ? { time: true }
              : { time: false, range: (_plot, min, max) => [min - 0.6, max + 0.6] },
          y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
        },
        axes: [
          { ...axis, size: 32, space: 60, values: (_plot, splits) => splits.map((at) => formatTick(at)) },
          {
            ...axis,
            size: (_plot, values) => 24 + 6.4 * Math.max(3, ...(values ?? []).map((text) => text.length)),
            values: (_plot, splits) => splits.map((at) => series[0]?.format(at) ?? ''),
          },
        ],
        series: [
          {},
          ...series.map(({ title, colour: name }) => ({
            label: title,
            stroke: colour(name),
            fill: shape === 'bars' ? colour(name) : colour(`${name}-wash`),
            width: 1.5,
            points: { show: false },
            ...(shape === 'bars' && bars !== undefined ? { paths: bars } : {}),
          })),
        ],
        hooks: { setCursor: [(plot) => this.#readOut(plot.cursor.idx)] },
      },
      this.#drawn(),
      this.#stage,
    );
  }

  /** A bar of height zero would be a line. */
  #drawn() {
    const [x = [], ...rows] = this.#data;
    const isBars = this.#options.shape === 'bars';
    const drawn = isBars ? rows.map((row) => row.map((value) => (value === 0 ? null : value))) : rows;
    return /** @type {uPlot.AlignedData} */ ([x, ...drawn]);
  }

  #resize() {
    if (this.#plot === undefined) this.#draw();
    else if (this.#stage.clientWidth > 0)
      this.#plot.setSize({ width: this.#stage.clientWidth, height: HEIGHT });
  }

  /** @param {number | null | undefined} index */
  #readOut(index) {
    const [xs = [], ...rows] = this.#data;
    const at = index === null || index === undefined ? undefined : xs[index];
    if (at === undefined || index === null || index === undefined) return fill(this.#readout);
    const values = this.#options.series.map(({ format }, row) => format(rows[row]?.[index] ?? 0));
    fill(this.#readout, `${this.#options.formatX(at)}: ${values.join(', ')}`);
  }

  /** Made only for those who ask for it. */
  #fillValues() {
    const summary = this.#values.firstElementChild;
    if (summary === null || !this.#values.open) return;
    const { title, series, formatX, x } = this.#options;
    const [xs = [], ...rows] = this.#data;
    const columns = [
      {
        title: x === 'time' ? 'From' : 'Up to',
        cell: (/** @type {number} */ index) => formatX(xs[index] ?? 0),
      },
      ...series.map((one, row) => ({
        title: one.title,
        isNumber: true,
        cell: (/** @type {number} */ index) => one.format(rows[row]?.[index] ?? 0),
      })),
    ];
    const filled = xs.map((_, index) => index).filter((index) => rows.some((row) => (row[index] ?? 0) > 0));
    fill(this.#values, summary, table(title, columns, filled));
  }
}
