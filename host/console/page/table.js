/** A table with a caption, whose numbers stand under one another; it scrolls within itself where the page is narrow. */
import { element } from './element.js';

/** @import { Child } from './element.js' */

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: Row) => Child} cell
 * @property {boolean} [isNumber]
 */

/**
 * @template Row
 * @param {string} caption
 * @param {readonly Column<Row>[]} columns the first one names the row
 * @param {readonly Row[]} rows
 */
export function table(caption, columns, rows) {
  const alignment = (/** @type {Column<Row>} */ { isNumber }) => ({ class: isNumber ? 'number' : undefined });
  const head = columns.map((column) => element('th', { scope: 'col', ...alignment(column) }, column.title));
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map((column, index) =>
        index === 0
          ? element('th', { scope: 'row' }, column.cell(row))
          : element('td', alignment(column), column.cell(row)),
      ),
    ),
  );
  return element(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
    element(
      'table',
      {},
      element('caption', { class: 'unseen' }, caption),
      element('thead', {}, element('tr', {}, ...head)),
      element('tbody', {}, ...body),
    ),
  );
}
