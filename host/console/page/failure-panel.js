/** Functions that failed in the last hour, the worst first, each with the invocations that failed last. */
import { element, fill, panel } from './element.js';
import { failedInvocations } from './failed-invocations.js';
import { problemNotice } from './notice.js';
import { count, share } from './quantity.js';

/** @import { Api } from './api.js' */
/** @import { FunctionUse, UsageWindow } from './usage-window.js' */

const MOST_FUNCTIONS = 5;
const MOST_INVOCATIONS = 3;

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
    const options = { api: this.#api, tenant, name, signal: this.#signal, most: MOST_INVOCATIONS };
    const failed = await failedInvocations(options).catch(problemNotice);
    return element(
      'article',
      { class: 'failure' },
      element(
        'h3',
        {},
        element('a', { href: `#/tenants/${tenant}/functions/${name}` }, `${tenant}/${name}`),
        element('span', { class: 'bad' }, ` ${count(failures)} failed, ${share(failures, invocations)}`),
      ),
      failed,
    );
  }
}
