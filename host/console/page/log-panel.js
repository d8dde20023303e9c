/** A function's log, as it is written. */
import { element, field, fill, panel } from './element.js';
import { clock } from './moment.js';
import { problemNotice } from './notice.js';
import { traceReference } from './trace-reference.js';

/** @import { Api } from './api.js' */
/** @import { LogRecordJson } from '../../control-plane/schemas.ts' */

/** Lines that stay in the page. */
const KEPT_LINES = 500;
const AGAIN_MS = 3_000;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'];

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.path of the function
 * @param {AbortSignal} options.signal
 */
export function logPanel({ api, path, signal }) {
  const state = element('span', { class: 'muted' }, 'Connecting …');
  const notice = element('div', {});
  const lines = element('ol', {});
  const frame = element(
    'div',
    { class: 'log', tabindex: 0, role: 'log', 'aria-label': 'Log', 'aria-live': 'off' },
    lines,
  );
  const level = element('select', {}, ...LEVELS.map((name) => element('option', { value: name }, name)));
  const pause = element('button', { type: 'button', 'aria-pressed': 'false' }, 'Pause');
  pause.addEventListener('click', () => {
    const isPaused = pause.getAttribute('aria-pressed') !== 'true';
    pause.setAttribute('aria-pressed', String(isPaused));
    if (!isPaused) frame.scrollTop = frame.scrollHeight;
  });
  level.addEventListener('change', () => {
    frame.dataset['level'] = level.value;
  });
  let lastId = 0;
  const follow = async () => {
    try {
      for await (const record of api.follow(`${path}/logs`, signal)) {
        // After a connection that broke off, the newest lines come again.
        if (record.id <= lastId) continue;
        lastId = record.id;
        append(frame, lines, logLine(record, api.traceUrl), pause.getAttribute('aria-pressed') === 'true');
        fill(state, 'Live');
        fill(notice);
      }
      fill(state, 'The host ended the log.');
    } catch (cause) {
      if (signal.aborted) return;
      fill(state, 'Not connected');
      fill(notice, problemNotice(cause));
    }
    if (!signal.aborted) setTimeout(follow, AGAIN_MS);
  };
  void follow();
  fill(state, 'Live: what the function writes appears here.');
  return panel(
    'Log',
    element('div', { class: 'row' }, field('From level', level, undefined, 'narrow'), pause, state),
    notice,
    frame,
  );
}

/**
 * @param {HTMLElement} frame what scrolls
 * @param {HTMLElement} lines
 * @param {Element} line
 * @param {boolean} isPaused
 */
function append(frame, lines, line, isPaused) {
  // Whoever has scrolled back reads on; whoever is at the end stays there.
  const isAtEnd = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 40;
  lines.append(line);
  if (lines.childElementCount > KEPT_LINES) lines.firstElementChild?.remove();
  if (isAtEnd && !isPaused) frame.scrollTop = frame.scrollHeight;
}

/**
 * @param {LogRecordJson} record
 * @param {string} [traceUrl]
 */
export function logLine({ timestamp, level, source, message, invocationId, version, traceId }, traceUrl) {
  const about = `version ${version}, ${source}, invocation ${invocationId}${traceId === undefined ? '' : `, trace ${traceId}`}`;
  return element(
    'li',
    { class: `level-${level}`, title: about },
    clock(timestamp),
    element('span', { class: 'level' }, level),
    element('span', { class: 'message' }, message),
    traceId === undefined ? undefined : traceReference(traceId, traceUrl),
  );
}
