/** What stands where there is nothing to show: what went wrong and how to mend it, or what to do first. */
import { element } from './element.js';
import { problemOf } from './problem.js';

/** @param {unknown} cause */
export function problemNotice(cause) {
  const { code, message, mend } = problemOf(cause);
  return element(
    'div',
    { class: 'notice bad', role: 'alert' },
    element('p', {}, element('code', {}, code), ' ', message),
    element('p', { class: 'mend' }, mend),
  );
}

/**
 * @param {string} text
 * @param {string} [command] for a terminal
 */
export function emptyNotice(text, command) {
  return element(
    'div',
    { class: 'notice' },
    element('p', {}, text),
    command === undefined ? undefined : element('pre', { class: 'command', tabindex: 0 }, command),
  );
}
