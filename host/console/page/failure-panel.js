/** Functions that failed in the last hour, the worst first, with what they last said. */
import { path } from './api.js';
import { element, fill, panel } from './element.js';
import { logLine } from './log-panel.js';
import { problemNotice } from './notice.js';
import { count, share } from './quantity.js';

/** @import { Api } from './api.js' */
/** @import { FunctionUse, UsageWindow } from './usage-window.js' */
/** @import { LogRecordJson } from '../../control-plane/schemas.ts' */

const MOST_FUNCTIONS = 5;
const LINES = 5;

/** Shown anew only where something failed since: whoever reads is left in peace. */
export class FailurePanel {
  #api;
  #signal;
  #place = element('div', {}, element('p', { class: 'waiting' }, 'Loading …'));
  #shown = '';

  /**
   * @param {Api} api
   * @param {AbortSignal} signal
   */
  constructor(api, signal) {
    this.#api = api;
    this.#signal = signal;
    this.element = panel('Failing functions', this.#place);
  }

  /** @param {UsageWindow} window */
  async show(window) {
    const failing = window.functions().filter(({ failures }) => failures > 0);
    failing.sort((a, b) => b.failures - a.failures);
    const state = failing
      .map(({ tenant, function: name, failures }) => `${tenant}/${name} ${failures}`)
      .join();
    if (state === this.#shown && this.#shown !== '') return;
    this.#shown = state;
    if (failing.length === 0) {
      fill(this.#place, element('p', { class: 'muted' }, 'Nothing failed in the last hour.'));
      return;
    }
    const shown = await Promise.all(failing.slice(0, MOST_FUNCTIONS).map((use) => this.#failure(use)));
    if (this.#signal.aborted) return;
    const left = failing.length - MOST_FUNCTIONS;
    fill(this.#place, ...shown, left > 0 ? element('p', { class: 'muted' }, `And ${left} more.`) : undefined);
  }

  /** @param {FunctionUse} use */
  async #failure({ tenant, function: name, failures, invocations }) {
    const lines = await this.#lastLines(tenant, name);
    return element(
      'article',
      { class: 'failure' },
      element(
        'h3',
        {},
        element('a', { href: `#/tenants/${tenant}/functions/${name}` }, `${tenant}/${name}`),
        element('span', { class: 'bad' }, ` ${count(failures)} failed, ${share(failures, invocations)}`),
      ),
      lines,
    );
  }

  /** @param {string} tenant @param {string} name */
  async #lastLines(tenant, name) {
    try {
      const query = { limit: 200 };
      const at = path`/tenants/${tenant}/functions/${name}/logs`;
      /** @type {LogRecordJson[]} */
      const records = await this.#api.ask(at, { query, signal: this.#signal });
      const bad = records.filter(({ level }) => level === 'error' || level === 'warn').slice(-LINES);
      if (bad.length === 0) return element('p', { class: 'muted' }, 'It wrote nothing of it to its log.');
      const about = { class: 'log short', tabindex: 0, role: 'group', 'aria-label': `Last lines of ${name}` };
      return element('div', about, element('ol', {}, ...bad.map(logLine)));
    } catch (cause) {
      return problemNotice(cause);
    }
  }
}
