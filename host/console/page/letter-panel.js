/** Dead letters of a queue, a function's events or a mapping: why each was given up, what to do with it. */
import { announce } from './announcer.js';
import { confirmed } from './confirm.js';
import { element, fill } from './element.js';
import { moment } from './moment.js';
import { problemNotice } from './notice.js';
import { count } from './quantity.js';
import { table } from './table.js';

/** @import { Api } from './api.js' */
/** @import { MessageJson, MessagePageJson } from '../../control-plane/queue-schemas.ts' */

const PAGE = 10;

export class LetterPanel {
  #api;
  #signal;
  #onChange;
  element = element('div', { class: 'live' });

  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {AbortSignal} options.signal
   * @param {() => void} options.onChange some have gone from here
   */
  constructor({ api, signal, onChange }) {
    this.#api = api;
    this.#signal = signal;
    this.#onChange = onChange;
  }

  /**
   * @param {string} at path of the dead letters
   * @param {string} owner whose they are
   */
  async show(at, owner) {
    try {
      /** @type {MessagePageJson} */
      const page = await this.#api.ask(at, { query: { limit: PAGE }, signal: this.#signal });
      const heading = element('h3', { tabindex: -1 }, `Dead letters of ${owner}, the oldest first`);
      fill(
        this.element,
        heading,
        this.#table(at, owner, page.messages),
        page.next === undefined
          ? undefined
          : element('p', { class: 'muted' }, 'There are more behind these.'),
        element('div', { class: 'row' }, this.#redriveAll(at), this.#purge(at, owner), this.#close()),
      );
      heading.focus();
    } catch (cause) {
      if (!this.#signal.aborted) fill(this.element, problemNotice(cause));
    }
  }

  /** @param {string} at @param {string} owner @param {readonly MessageJson[]} messages */
  #table(at, owner, messages) {
    const again = ({ id = '' }) =>
      element(
        'button',
        {
          type: 'button',
          class: 'small',
          'aria-label': `Try ${id} again`,
          onclick: () =>
            this.#change(`${at}/redrive`, 'POST', { ids: [id] }, 'ready again', () => this.show(at, owner)),
        },
        'Try again',
      );
    return table(
      'Dead letters',
      [
        { title: 'Given up', cell: ({ deadAt }) => (deadAt === undefined ? '–' : moment(deadAt)) },
        { title: 'Attempts', isNumber: true, cell: ({ attempts }) => count(attempts) },
        {
          title: 'Why',
          cell: ({ cause, lastCause }) => {
            const why = cause ?? lastCause;
            return why === undefined ? '–' : [element('code', {}, why.code), ` ${why.detail}`];
          },
        },
        {
          title: 'Body',
          cell: ({ body, bodyBase64 }) =>
            element('code', { class: 'excerpt' }, (body ?? bodyBase64 ?? '').slice(0, 200)),
        },
        { title: 'Action', cell: (letter) => (this.#api.may('invoke') ? again(letter) : '–') },
      ],
      messages,
    );
  }

  /** @param {string} at */
  #redriveAll(at) {
    if (!this.#api.may('invoke')) return undefined;
    const onclick = () => this.#change(`${at}/redrive`, 'POST', {}, 'ready again');
    return element('button', { type: 'button', onclick }, 'Try all of them again');
  }

  /** @param {string} at @param {string} owner */
  #purge(at, owner) {
    if (!this.#api.may('deploy')) return undefined;
    const onclick = async () => {
      if (await confirmed(`Delete all dead letters of ${owner}? Nobody can bring them back.`, 'Delete them'))
        await this.#change(at, 'DELETE', undefined, 'deleted');
    };
    return element('button', { type: 'button', class: 'bad', onclick }, 'Delete all of them …');
  }

  #close() {
    return element('button', { type: 'button', onclick: () => fill(this.element) }, 'Close');
  }

  /**
   * @param {string} at
   * @param {string} method
   * @param {object | undefined} body
   * @param {string} what became of them
   * @param {() => Promise<void>} [andThen]
   */
  async #change(at, method, body, what, andThen) {
    try {
      const options = body === undefined ? { method } : { method, body };
      const { count: concerned } = await this.#api.ask(at, { ...options, signal: this.#signal });
      const said = `${concerned} ${concerned === 1 ? 'is' : 'are'} ${what}.`;
      if (andThen === undefined) fill(this.element, element('p', { class: 'notice good' }, said));
      else await andThen();
      announce(said);
      this.#onChange();
    } catch (cause) {
      if (!this.#signal.aborted) fill(this.element, problemNotice(cause));
    }
  }
}

/**
 * How many dead letters something has, to be looked at.
 *
 * @param {{ tenant: string, name: string }} owner
 * @param {number} dead
 * @param {() => void} onclick
 */
export function letterButton({ tenant, name }, dead, onclick) {
  if (dead === 0) return '0';
  return element(
    'button',
    {
      type: 'button',
      class: 'bad small',
      'data-mark': `letters of ${tenant}/${name}`,
      'aria-label': `Show ${dead} dead letters of ${name}`,
      onclick,
    },
    `${count(dead)} …`,
  );
}
