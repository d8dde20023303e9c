/** Queues, and the dead letters in them: of one tenant, or of all. */
import { Api, path } from './api.js';
import { element, fill, panel } from './element.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice, problemNotice } from './notice.js';
import { count } from './quantity.js';
import { table } from './table.js';

/** @import { MessageJson, QueueJson } from '../../control-plane/queue-schemas.ts' */

const EVERY_MS = 10_000;
/** Tenants that are asked for their queues; the operator of more looks at one of them at a time. */
const MOST_TENANTS = 50;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {() => Promise<readonly string[]>} options.tenants
 * @param {AbortSignal} options.signal
 */
export function queuePanel({ api, tenants, signal }) {
  const letters = element('div', {});
  const load = async () => {
    const names = await tenants();
    const asked = names
      .slice(0, MOST_TENANTS)
      .map((tenant) => api.ask(path`/tenants/${tenant}/queues`, { signal }));
    return {
      queues: /** @type {QueueJson[]} */ ((await Promise.all(asked)).flat()),
      left: names.length - MOST_TENANTS,
    };
  };
  return panel(
    'Queues',
    live({
      signal,
      everyMs: EVERY_MS,
      load,
      show: ({ queues, left }) =>
        queues.length === 0
          ? emptyNotice(
              'There is no queue. Make one, and say which function handles it:',
              'npx mayfly queues create orders\nnpx mayfly mappings create orders --queue orders --function orders-ts',
            )
          : [
              queueTable(queues, (queue) => void showLetters(api, queue, letters, signal)),
              left > 0
                ? element('p', { class: 'muted' }, `Those of ${left} more tenants are on their pages.`)
                : undefined,
            ],
    }),
    letters,
  );
}

/**
 * @param {readonly QueueJson[]} queues
 * @param {(queue: QueueJson) => void} onLetters
 */
function queueTable(queues, onLetters) {
  const number =
    (/** @type {'ready' | 'delayed' | 'inFlight'} */ name) =>
    (/** @type {QueueJson} */ { counts }) =>
      counts === undefined ? '?' : count(counts[name]);
  return table(
    'Queues',
    [
      {
        title: 'Queue',
        cell: ({ tenant, name }) => [element('span', { class: 'muted' }, `${tenant}/`), name],
      },
      { title: 'Ready', isNumber: true, cell: number('ready') },
      { title: 'Delayed', isNumber: true, cell: number('delayed') },
      { title: 'In flight', isNumber: true, cell: number('inFlight') },
      {
        title: 'Oldest',
        cell: ({ counts }) => (counts?.oldestSentAt === undefined ? '–' : moment(counts.oldestSentAt)),
      },
      {
        title: 'Dead letters',
        isNumber: true,
        cell: (queue) =>
          !queue.counts?.dead
            ? '0'
            : element(
                'button',
                {
                  type: 'button',
                  class: 'bad small',
                  'data-mark': `${queue.tenant}/${queue.name}`,
                  'aria-label': `Show ${queue.counts.dead} dead letters of ${queue.name}`,
                  onclick: () => onLetters(queue),
                },
                `${count(queue.counts.dead)} …`,
              ),
      },
    ],
    queues,
  );
}

/**
 * @param {Api} api
 * @param {QueueJson} queue
 * @param {HTMLElement} place
 * @param {AbortSignal} signal
 */
async function showLetters(api, { tenant, name }, place, signal) {
  const at = path`/tenants/${tenant}/queues/${name}/dead-letters`;
  try {
    const { messages } = await api.ask(at, { query: { limit: 10 }, signal });
    const again = element('button', { type: 'button' }, 'Try all of them again');
    again.addEventListener('click', async () => {
      again.disabled = true;
      try {
        const { count: redriven } = await api.ask(`${at}/redrive`, { method: 'POST', body: {}, signal });
        fill(place, element('p', { class: 'notice good', role: 'status' }, `${redriven} are ready again.`));
      } catch (cause) {
        if (!signal.aborted) fill(place, problemNotice(cause));
      }
    });
    const heading = element('h3', { tabindex: -1 }, `Dead letters of ${tenant}/${name}, the oldest first`);
    fill(place, heading, letterTable(messages), again);
    heading.focus();
  } catch (cause) {
    if (!signal.aborted) fill(place, problemNotice(cause));
  }
}

/** @param {readonly MessageJson[]} messages */
function letterTable(messages) {
  return table(
    'Dead letters',
    [
      { title: 'Given up', cell: ({ deadAt }) => (deadAt === undefined ? '–' : moment(deadAt)) },
      { title: 'Attempts', isNumber: true, cell: ({ attempts }) => count(attempts) },
      {
        title: 'Why',
        cell: ({ cause, lastCause }) => {
          const why = cause ?? lastCause;
          return why === undefined ? '–' : [element('code', {}, why.code), ` ${why.detail}`];
        },
      },
      {
        title: 'Body',
        cell: ({ body, bodyBase64 }) => element('code', {}, (body ?? bodyBase64 ?? '').slice(0, 200)),
      },
    ],
    messages,
  );
}
