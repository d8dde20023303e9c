/** Tries a request on a function's URL, and shows what came of it: status, fuel, times, headers, body. */
import { announce } from './announcer.js';
import { element, field, fill, panel } from './element.js';
import { problemNotice } from './notice.js';
import { Problem, problemOf } from './problem.js';
import { bytes, count, duration } from './quantity.js';
import { table } from './table.js';

/** @import { Api } from './api.js' */

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
/** What of a body is shown; more of it would make the page slow. */
const SHOWN_CHARACTERS = 100_000;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.url of the function
 * @param {AbortSignal} options.signal
 */
export function tryPanel({ api, url, signal }) {
  const method = element('select', {}, ...METHODS.map((name) => element('option', {}, name)));
  const where = element('input', { type: 'text', value: '/', autocomplete: 'off', spellcheck: 'false' });
  const headers = element('textarea', {
    rows: 2,
    spellcheck: 'false',
    placeholder: 'content-type: application/json',
  });
  const body = element('textarea', { rows: 4, spellcheck: 'false' });
  const withKey = element('input', { type: 'checkbox' });
  const button = element('button', { type: 'submit', class: 'primary' }, 'Send');
  const result = element('div', { class: 'result' });
  // Functions may have a name of their own, which this page must not ask; they answer under every other one as well.
  const here = new URL(new URL(url).pathname, location.origin);
  const form = element(
    'form',
    { novalidate: true },
    element(
      'div',
      { class: 'row' },
      field('Method', method, undefined, 'narrow'),
      field('Path and query', where),
      button,
    ),
    element('div', { class: 'row top' }, field('Headers, one a line', headers), field('Body', body)),
    // The host hides keys that it made from the function; the operator's may be any text, and would be seen.
    api.isOperator
      ? undefined
      : field('Send my key', withKey, 'For a function that asks for one; the function does not see it.'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const lines = withKey.checked
        ? [...headersOf(headers.value), ['authorization', api.authorization]]
        : headersOf(headers.value);
      const hasBody = !['GET', 'HEAD'].includes(method.value) && body.value !== '';
      const startedAt = performance.now();
      const response = await fetch(new URL(where.value.replace(/^\//, ''), here), {
        method: method.value,
        headers: /** @type {[string, string][]} */ (lines),
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'manual',
        signal,
        ...(hasBody ? { body: body.value } : {}),
      });
      const content = new Uint8Array(await response.arrayBuffer());
      fill(result, answer(response, content, performance.now() - startedAt));
      announce(`The function answered with status ${response.status}.`);
    } catch (cause) {
      if (!signal.aborted) fill(result, problemNotice(problemOf(cause)));
    } finally {
      button.disabled = false;
    }
  });
  return panel('Try', form, result);
}

/**
 * @param {string} text
 * @returns {string[][]}
 */
function headersOf(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, value] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*:\s*(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) {
        const mend = 'Write each header as `name: value`, on a line of its own.';
        throw new Problem({ code: 'invalid_header', detail: `This is no header: ${line}`, mend, status: 0 });
      }
      return [name, value];
    });
}

/**
 * @param {Response} response
 * @param {Uint8Array} content
 * @param {number} ms
 */
function answer(response, content, ms) {
  if (response.type === 'opaqueredirect') {
    return element(
      'p',
      { class: 'notice' },
      'It answers with a redirect, which a browser does not show: use curl -i.',
    );
  }
  const used = response.headers.get('mayfly-fuel');
  const parts = [
    `${duration(ms * 1_000)} in the browser`,
    bytes(content.length),
    used === null ? 'fuel in the trailers: the answer streamed' : `${count(Number(used))} fuel`,
  ];
  const times = timesOf(response.headers.get('server-timing') ?? '');
  return [
    element(
      'p',
      { class: 'status' },
      element(
        'strong',
        { class: response.ok ? 'good' : 'bad', 'data-status': response.status },
        response.status,
        ' ',
        response.statusText,
      ),
      ` ${parts.join(' · ')}`,
    ),
    times.length === 0
      ? undefined
      : table(
          'Where the time went',
          [
            { title: 'In the host', cell: ({ name }) => name },
            { title: 'Time', isNumber: true, cell: (time) => duration(time.ms * 1_000) },
          ],
          times,
        ),
    element('pre', { class: 'body', tabindex: 0, 'aria-label': 'Body' }, textOf(content)),
    element(
      'details',
      {},
      element('summary', {}, 'Headers'),
      table(
        'Headers of the answer',
        [
          { title: 'Name', cell: ([name = '']) => name },
          { title: 'Value', cell: ([, value = '']) => value },
        ],
        [...response.headers],
      ),
    ),
  ];
}

/** `queue;dur=0.1, exec;dur=3.25` @param {string} text */
function timesOf(text) {
  return [...text.matchAll(/([\w-]+);dur=([\d.]+)/g)].map(([, name = '', ms]) => ({ name, ms: Number(ms) }));
}

/** @param {Uint8Array} content */
function textOf(content) {
  if (content.length === 0) return '(no body)';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
    return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}\n… and more` : text;
  } catch {
    return `(${bytes(content.length)} that are no text)`;
  }
}
