/** Makes elements. Text is always text: nothing here, or anywhere in the page, turns a string into markup. */

/** @typedef {Node | string | number | undefined | readonly Child[]} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | boolean | undefined | ((event: any) => void)>>} attributes `onclick` and its like
 *   are listeners; `true` is an attribute without a value, and one that is `false` or undefined is left out
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== undefined) made.setAttribute(name, String(value));
  }
  fill(made, ...children);
  return made;
}

/**
 * Replaces what is in an element.
 * @param {Element} parent
 * @param {Child[]} children
 */
export function fill(parent, ...children) {
  const nodes = /** @type {(Node | string | number | undefined)[]} */ (children.flat(9)).filter(
    (child) => child !== undefined,
  );
  parent.replaceChildren(...nodes.map((child) => (typeof child === 'number' ? String(child) : child)));
}

let lastId = 0;

/**
 * An id that nothing else in the page has, to tie a label to what it labels.
 * @param {string} name
 */
export function uniqueId(name) {
  lastId += 1;
  return `${name}-${lastId}`;
}

/**
 * A labelled field of a form.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 * @param {'narrow'} [width]
 */
export function field(label, input, hint, width) {
  const id = uniqueId('field');
  input.id = id;
  const note = hint === undefined ? undefined : element('span', { class: 'hint', id: `${id}-hint` }, hint);
  if (note !== undefined) input.setAttribute('aria-describedby', note.id);
  return element(
    'div',
    { class: width === undefined ? 'field' : `field ${width}` },
    element('label', { for: id }, label),
    input,
    note,
  );
}

/**
 * A part of the page with a heading of its own.
 * @param {string} title
 * @param {Child[]} children
 */
export function panel(title, ...children) {
  const id = uniqueId('panel');
  const heading = element('h2', { id }, title);
  return element('section', { class: 'panel', 'aria-labelledby': id }, heading, ...children);
}
