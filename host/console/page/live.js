/**
 * A part of the page that asks again and again. It asks nothing while nobody looks at the page, waits for one answer before
 * it asks for the next, and ends with its view. The event `refresh` has what it knows shown anew, `reload` has it ask at once.
 * While the pointer is pressed in it, nothing there is replaced: a button that is replaced before it is let go was never clicked.
 */
import { element, fill } from './element.js';
import { problemNotice } from './notice.js';

/** @import { Child } from './element.js' */

/** How soon it is looked at again whether the pointer was let go. */
const PRESSED_MS = 100;

/**
 * @template Data
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {number} options.everyMs
 * @param {() => Promise<Data>} options.load
 * @param {(data: Data) => Child | void} options.show what takes the place of what was there; nothing, and what is there stays
 * @param {Node[]} [options.initial] what is there before the first answer
 */
export function live({ signal, everyMs, load, show, initial }) {
  const place = element(
    'div',
    { class: 'live' },
    ...(initial ?? [element('p', { class: 'waiting' }, 'Loading …')]),
  );
  let isFailed = false;
  /** @type {Data | undefined} */
  let known;
  const put = (/** @type {Data} */ data) => {
    known = data;
    if (place.matches(':active')) {
      setTimeout(() => put(/** @type {Data} */ (known)), PRESSED_MS);
      return;
    }
    const shown = show(data);
    if (shown !== undefined) keepFocus(place, () => fill(place, /** @type {Child} */ (shown)));
    else if (isFailed) fill(place, ...(initial ?? []));
    isFailed = false;
  };
  place.addEventListener('refresh', () => {
    if (known !== undefined) put(known);
  });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isAsking = false;
  let isAskedAgain = false;
  place.addEventListener('reload', () => {
    isAskedAgain = isAsking;
    if (isAsking) return;
    clearTimeout(timer);
    void turn();
  });
  const turn = async () => {
    if (signal.aborted) return;
    isAsking = true;
    if (!document.hidden) {
      try {
        const data = await load();
        if (signal.aborted) return;
        put(data);
      } catch (cause) {
        if (signal.aborted) return;
        // Said once, not at every turn.
        if (!isFailed) fill(place, problemNotice(cause), ...(initial ?? []));
        isFailed = true;
      }
    }
    isAsking = false;
    timer = setTimeout(turn, isAskedAgain ? 0 : everyMs);
    isAskedAgain = false;
  };
  void turn();
  return place;
}

/**
 * Whoever stands on a link or a button of a part that is replaced stands on the same one of what takes its place.
 * @param {Element} place
 * @param {() => void} change
 */
function keepFocus(place, change) {
  const mark = markOf(place.contains(document.activeElement) ? document.activeElement : null);
  const open = new Set([...place.querySelectorAll('details[open]')].map(markOf));
  change();
  for (const details of place.querySelectorAll('details')) if (open.has(markOf(details))) details.open = true;
  if (mark === undefined) return;
  const again = [...place.querySelectorAll('a, button, summary, [tabindex]')].find(
    (node) => markOf(node) === mark,
  );
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/** @param {Element | null} node */
function markOf(node) {
  if (node === null) return undefined;
  return `${node.tagName} ${node.getAttribute('href') ?? node.getAttribute('data-mark') ?? node.textContent}`;
}
