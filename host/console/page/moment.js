/** Times as "3 min ago", with the instant itself for whoever points at them or reaches them by keyboard. */
import { element } from './element.js';

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS = /** @type {const} */ ([
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
]);

/** @param {number} atMs */
export function relative(atMs, nowMs = Date.now()) {
  const away = atMs - nowMs;
  const [unit, size] = UNITS.find(([, ms]) => Math.abs(away) >= ms) ?? ['second', 1_000];
  return RELATIVE.format(Math.round(away / size), unit);
}

/**
 * @param {string} iso
 * @param {boolean} [isStop] whether Tab stops at it; not within what it stops at anyway
 */
export function moment(iso, isStop = true) {
  const absolute = iso.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC');
  const attributes = {
    class: 'moment',
    datetime: iso,
    tabindex: isStop ? 0 : undefined,
    'data-absolute': absolute,
  };
  return element(
    'time',
    attributes,
    relative(Date.parse(iso)),
    element('span', { class: 'unseen' }, `, ${absolute}`),
  );
}

/** `10:41:07.120`, for lines of a log. @param {string} iso */
export function clock(iso) {
  return element('time', { datetime: iso, title: iso }, iso.slice(11, 23));
}
