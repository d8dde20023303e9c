/** What calls functions without anybody asking: event source mappings and schedules, of one tenant or of all. Each can be paused. */
import { announce } from './announcer.js';
import { path } from './api.js';
import { element, fill, panel } from './element.js';
import { LetterPanel, letterButton } from './letter-panel.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice, problemNotice } from './notice.js';
import { count, duration } from './quantity.js';
import { table } from './table.js';
import { ofTenants } from './tenant-lists.js';

/** @import { Api } from './api.js' */
/** @import { MappingJson, ScheduleJson } from '../../control-plane/trigger-schemas.ts' */

const EVERY_MS = 10_000;

/**
 * @typedef {object} PanelOptions
 * @property {Api} api
 * @property {() => Promise<readonly string[]>} tenants
 * @property {AbortSignal} signal
 */

/** @param {PanelOptions} options */
export function mappingPanel(options) {
  const { api, signal } = options;
  const letters = new LetterPanel({ api, signal, onChange: () => list.dispatchEvent(new Event('reload')) });
  const show = (/** @type {MappingJson} */ { tenant, name }) =>
    void letters.show(
      path`/tenants/${tenant}/event-source-mappings/${name}/dead-letters`,
      `the mapping ${tenant}/${name}`,
    );
  const { problem, list } = triggers(options, {
    title: 'Event source mappings',
    noun: 'event-source-mappings',
    empty: [
      'Nothing reads a queue. Tie one to a function:',
      'npx mayfly mappings create orders --queue orders --function orders-ts',
    ],
    columns: [
      {
        title: 'Reads',
        cell: (/** @type {MappingJson} */ { source }) =>
          source.type === 'queue' ? source.queue : `${source.key} (stream)`,
      },
      { title: 'Calls', cell: functionLink },
      { title: 'State', cell: mappingState },
      { title: 'Done', isNumber: true, cell: ({ status }) => count(status.counts.succeeded) },
      { title: 'Retried', isNumber: true, cell: ({ status }) => count(status.counts.retried) },
      { title: 'Given up', isNumber: true, cell: (mapping) => givenUp(mapping, show) },
    ],
  });
  return panel('Event source mappings', problem, list, letters.element);
}

/**
 * How many since the host started, and what lies there of a stream. Dead letters of a queue are shown with it.
 *
 * @param {MappingJson} mapping
 * @param {(mapping: MappingJson) => void} onLetters
 */
function givenUp(mapping, onLetters) {
  const { source, counts, status } = mapping;
  const dead = source.type === 'queue' ? 0 : (counts?.dead ?? 0);
  const given = count(status.counts.dead);
  return dead === 0 ? given : [`${given} `, letterButton(mapping, dead, () => onLetters(mapping))];
}

/** @param {PanelOptions} options */
export function schedulePanel(options) {
  const { problem, list } = triggers(options, {
    title: 'Schedules',
    noun: 'schedules',
    empty: [
      'Nothing is called by the clock. Have a function called each night:',
      "npx mayfly schedules create nightly --function report --cron '0 3 * * *'",
    ],
    columns: [
      { title: 'When', cell: (/** @type {ScheduleJson} */ { expression }) => when(expression) },
      { title: 'Calls', cell: functionLink },
      {
        title: 'Next',
        cell: ({ enabled, nextTicks: [next] }) => {
          if (!enabled) return element('span', { class: 'second' }, 'paused');
          return next === undefined ? 'never again' : moment(next);
        },
      },
      { title: 'Last', cell: ({ lastTick }) => (lastTick === undefined ? '–' : moment(lastTick)) },
    ],
  });
  return panel('Schedules', problem, list);
}

/**
 * @template {{ tenant: string, name: string, enabled: boolean }} Trigger
 * @param {PanelOptions} options
 * @param {object} kind
 * @param {string} kind.title
 * @param {string} kind.noun in the API's paths
 * @param {[string, string]} kind.empty
 * @param {import('./table.js').Column<Trigger>[]} kind.columns
 */
function triggers({ api, tenants, signal }, { title, noun, empty, columns }) {
  const problem = element('div', {});
  const set = async (/** @type {Trigger} */ { tenant, name, enabled }) => {
    try {
      const at = path`/tenants/${tenant}/${noun}/${name}`;
      await api.ask(at, { method: 'PATCH', body: { enabled: !enabled }, signal });
      fill(problem);
      announce(`${name} is ${enabled ? 'paused' : 'resumed'}.`);
      list.dispatchEvent(new Event('reload'));
    } catch (cause) {
      if (!signal.aborted) fill(problem, problemNotice(cause));
    }
  };
  const button = (/** @type {Trigger} */ trigger) => {
    const verb = trigger.enabled ? 'Pause' : 'Resume';
    const mark = {
      'data-mark': `${trigger.tenant}/${trigger.name}`,
      'aria-label': `${verb} ${trigger.name}`,
    };
    return element(
      'button',
      { type: 'button', class: 'small', ...mark, onclick: () => void set(trigger) },
      verb,
    );
  };
  const list = live({
    signal,
    everyMs: EVERY_MS,
    load: () => ofTenants(tenants, (tenant) => api.ask(path`/tenants/${tenant}/${noun}`, { signal })),
    show: (/** @type {{ found: Trigger[], more: Element | undefined }} */ { found, more }) =>
      found.length === 0
        ? emptyNotice(...empty)
        : [
            table(
              title,
              [
                {
                  title: 'Name',
                  cell: ({ tenant, name }) => [element('span', { class: 'muted' }, `${tenant}/`), name],
                },
                ...columns,
                { title: 'Action', cell: (trigger) => (api.may('deploy') ? button(trigger) : '–') },
              ],
              found,
            ),
            more,
          ],
  });
  return { problem, list };
}

/** @param {{ tenant: string, function: string }} trigger */
function functionLink({ tenant, function: name }) {
  return element('a', { href: `#/tenants/${tenant}/functions/${name}` }, name);
}

/** @param {MappingJson} mapping */
function mappingState({ status: { state, waitingFor, inFlight } }) {
  const colour = state === 'waiting' || state === 'stopped' ? 'bad' : state === 'paused' ? 'second' : 'good';
  return [
    element('span', { class: colour }, state),
    inFlight > 0 ? `, ${count(inFlight)} in work` : undefined,
    waitingFor === undefined
      ? undefined
      : [': ', element('code', {}, waitingFor.code), ` ${waitingFor.detail}`],
  ];
}

/** @param {ScheduleJson['expression']} expression */
function when(expression) {
  switch (expression.type) {
    case 'cron':
      return [
        element('code', { class: 'expression' }, expression.expression),
        ` ${expression.timeZone ?? 'UTC'}`,
      ];
    case 'rate':
      return `every ${duration(expression.everyMs * 1_000)}`;
    case 'at':
      return ['once, ', moment(new Date(expression.at).toISOString())];
  }
}
