/** Queues, and the dead letters in them: of one tenant, or of all. */
import { announce } from './announcer.js';
import { Api, path } from './api.js';
import { confirmed } from './confirm.js';
import { element, panel } from './element.js';
import { LetterPanel, letterButton } from './letter-panel.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice, problemNotice } from './notice.js';
import { count } from './quantity.js';
import { table } from './table.js';
import { ofTenants } from './tenant-lists.js';

/** @import { QueueJson } from '../../control-plane/queue-schemas.ts' */

const EVERY_MS = 10_000;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {() => Promise<readonly string[]>} options.tenants
 * @param {AbortSignal} options.signal
 */
export function queuePanel({ api, tenants, signal }) {
  const letters = new LetterPanel({ api, signal, onChange: () => list.dispatchEvent(new Event('reload')) });
  const drop = async (/** @type {QueueJson} */ { tenant, name }) => {
    if (
      !(await confirmed(
        `Delete all messages that wait in ${tenant}/${name}? Nobody can bring them back.`,
        'Delete them',
      ))
    )
      return;
    try {
      const at = path`/tenants/${tenant}/queues/${name}/messages`;
      const { count: gone } = await api.ask(at, { method: 'DELETE', signal });
      announce(`${gone} messages are deleted.`);
      list.dispatchEvent(new Event('reload'));
    } catch (cause) {
      if (!signal.aborted) letters.element.replaceChildren(problemNotice(cause));
    }
  };
  const show = (/** @type {QueueJson} */ { tenant, name }) =>
    void letters.show(path`/tenants/${tenant}/queues/${name}/dead-letters`, `${tenant}/${name}`);
  const list = live({
    signal,
    everyMs: EVERY_MS,
    load: () => ofTenants(tenants, (tenant) => api.ask(path`/tenants/${tenant}/queues`, { signal })),
    show: (/** @type {{ found: QueueJson[], more: Element | undefined }} */ { found, more }) =>
      found.length === 0
        ? emptyNotice(
            'There is no queue. Make one, and say which function handles it:',
            'npx mayfly queues create orders\nnpx mayfly mappings create orders --queue orders --function orders-ts',
          )
        : [queueTable(found, show, api.may('deploy') ? drop : undefined), more],
  });
  return panel('Queues', list, letters.element);
}

/**
 * @param {readonly QueueJson[]} queues
 * @param {(queue: QueueJson) => void} onLetters
 * @param {((queue: QueueJson) => void) | undefined} onDrop
 */
function queueTable(queues, onLetters, onDrop) {
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
        cell: (queue) => letterButton(queue, queue.counts?.dead ?? 0, () => onLetters(queue)),
      },
      {
        title: 'Action',
        cell: (queue) =>
          onDrop === undefined || !((queue.counts?.ready ?? 0) + (queue.counts?.delayed ?? 0))
            ? '–'
            : element(
                'button',
                {
                  type: 'button',
                  class: 'small',
                  'data-mark': `drop ${queue.tenant}/${queue.name}`,
                  'aria-label': `Delete what waits in ${queue.name}`,
                  onclick: () => onDrop(queue),
                },
                'Delete waiting …',
              ),
      },
    ],
    queues,
  );
}
