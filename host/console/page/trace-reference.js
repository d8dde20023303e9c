/** A trace by its id: a link, where the operator has said where traces are to be looked at (`MAYFLY_TRACE_URL`). */
import { element } from './element.js';

/**
 * @param {string} traceId
 * @param {string | undefined} traceUrl with `{trace_id}` in it
 */
export function traceReference(traceId, traceUrl) {
  const code = element('code', { class: 'trace' }, `trace ${traceId}`);
  if (traceUrl === undefined) return code;
  const href = traceUrl.replaceAll('{trace_id}', traceId);
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, code);
}
