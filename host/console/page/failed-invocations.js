/** The invocations of a function that failed last, each with why, what it wrote, and the way to its trace. */
import { path } from './api.js';
import { element, fill } from './element.js';
import { logLine } from './log-panel.js';
import { moment } from './moment.js';
import { problemNotice } from './notice.js';
import { traceReference } from './trace-reference.js';

/** @import { Api } from './api.js' */
/** @import { LogRecordJson } from '../../control-plane/schemas.ts' */

/** What the host says of an invocation that it had to end, or that ended badly, begins with the code of the error. */
const FAILURE = /^([a-z]+(?:_[a-z]+)+): /;

const LINES = 200;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.tenant
 * @param {string} options.name
 * @param {AbortSignal} options.signal
 * @param {number} options.most how many
 */
export async function failedInvocations({ api, tenant, name, signal, most }) {
  const at = path`/tenants/${tenant}/functions/${name}/logs`;
  /** @type {LogRecordJson[]} */
  const records = await api.ask(at, { query: { level: 'error', limit: LINES }, signal });
  const failed = records.filter(({ source, message }) => source === 'host' && FAILURE.test(message));
  if (failed.length === 0) return element('p', { class: 'muted' }, 'Its log tells of no failure.');
  const shown = failed.slice(-most).reverse();
  return element(
    'div',
    { class: 'failed', 'data-newest': shown[0]?.id },
    ...shown.map((record, index) => failedInvocation(api, at, record, signal, index === 0)),
  );
}

/**
 * @param {Api} api
 * @param {string} at
 * @param {LogRecordJson} record
 * @param {AbortSignal} signal
 * @param {boolean} isOpen
 */
function failedInvocation(api, at, record, signal, isOpen) {
  const [, code = ''] = FAILURE.exec(record.message) ?? [];
  const lines = element('div', {}, element('p', { class: 'waiting' }, 'Loading …'));
  let isAsked = false;
  const load = async () => {
    if (isAsked) return;
    isAsked = true;
    try {
      const query = { invocation: record.invocationId, limit: LINES };
      const written = /** @type {LogRecordJson[]} */ (await api.ask(at, { query, signal }));
      const about = {
        class: 'log short',
        tabindex: 0,
        role: 'group',
        'aria-label': `Log of ${record.invocationId}`,
      };
      fill(lines, element('div', about, element('ol', {}, ...written.map((line) => logLine(line)))));
    } catch (cause) {
      if (!signal.aborted) fill(lines, problemNotice(cause));
    }
  };
  const details = element(
    'details',
    { open: isOpen, 'data-mark': record.invocationId },
    element('summary', {}, element('code', { class: 'bad' }, code), ' ', moment(record.timestamp, false)),
    element(
      'p',
      { class: 'muted facts' },
      `version ${record.version}, invocation `,
      element('code', {}, record.invocationId),
      record.traceId === undefined ? undefined : [', ', traceReference(record.traceId, api.traceUrl)],
    ),
    lines,
  );
  details.addEventListener('toggle', () => details.open && void load());
  return details;
}
