/** Events that wait for a function: asynchronous invocations and ticks, and those of them that were given up. */
import { path } from './api.js';
import { element, panel } from './element.js';
import { LetterPanel } from './letter-panel.js';
import { live } from './live.js';
import { count } from './quantity.js';
import { tile } from './usage-panel.js';

/** @import { Api } from './api.js' */
/** @import { FunctionEventsJson } from '../../control-plane/trigger-schemas.ts' */

const EVERY_MS = 10_000;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.tenant
 * @param {string} options.name
 * @param {AbortSignal} options.signal
 */
export function eventPanel({ api, tenant, name, signal }) {
  const at = path`/tenants/${tenant}/functions/${name}/events`;
  const letters = new LetterPanel({ api, signal, onChange: () => list.dispatchEvent(new Event('reload')) });
  const list = live({
    signal,
    everyMs: EVERY_MS,
    load: () => api.ask(at, { signal }),
    show: (/** @type {FunctionEventsJson} */ { status: { state, waitingFor, counts: done }, counts }) => [
      element(
        'dl',
        { class: 'tiles' },
        tile('Waiting', counts === undefined ? '?' : count(counts.ready + counts.delayed), 'events'),
        tile('In work', counts === undefined ? '?' : count(counts.inFlight), state),
        tile('Done', count(done.succeeded), 'since the host started'),
        tile('Given up', counts === undefined ? '?' : count(counts.dead), 'dead letters'),
      ),
      waitingFor === undefined
        ? undefined
        : element(
            'p',
            { class: 'notice bad' },
            element('code', {}, waitingFor.code),
            ` ${waitingFor.detail}`,
          ),
      counts?.dead
        ? element(
            'div',
            { class: 'row' },
            element(
              'button',
              {
                type: 'button',
                class: 'bad',
                'data-mark': 'letters',
                onclick: () => void letters.show(`${at}/dead-letters`, `${tenant}/${name}`),
              },
              `Show ${count(counts.dead)} dead letters`,
            ),
          )
        : undefined,
    ],
  });
  return panel('Asynchronous events', list, letters.element);
}
