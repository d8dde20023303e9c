/** A function: how it does, a request to try, its log, its versions. */
import { path } from './api.js';
import { element, panel } from './element.js';
import { eventPanel } from './event-panel.js';
import { failedInvocations } from './failed-invocations.js';
import { live } from './live.js';
import { logPanel } from './log-panel.js';
import { moment } from './moment.js';
import { problemNotice } from './notice.js';
import { stepTable } from './publish-panel.js';
import { bytes } from './quantity.js';
import { table } from './table.js';
import { tryPanel } from './try-panel.js';
import { usagePanel } from './usage-panel.js';

/** @import { Api } from './api.js' */
/** @import { FunctionJson, VersionJson } from '../../control-plane/schemas.ts' */

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} options.tenant
 * @param {string} options.name
 * @param {AbortSignal} options.signal
 */
export async function functionView({ api, tenant, name, signal }) {
  const at = path`/tenants/${tenant}/functions/${name}`;
  const home = `#/tenants/${tenant}`;
  const heading = element(
    'h1',
    { tabindex: -1 },
    element('a', { href: home, class: 'muted' }, tenant),
    ` / ${name}`,
  );
  /** @type {FunctionJson} */
  const described = await api.ask(at, { signal }).catch((cause) => cause);
  if (described instanceof Error) return element('div', { class: 'view' }, heading, problemNotice(described));
  return element(
    'div',
    { class: 'view' },
    heading,
    facts(described),
    usagePanel({ api, signal, path: path`/tenants/${tenant}`, function: name }),
    element(
      'div',
      { class: 'halves' },
      tryPanel({ api, url: described.url, signal }),
      logPanel({ api, path: at, signal }),
    ),
    element(
      'div',
      { class: 'halves' },
      failedPanel({ api, tenant, name, signal }),
      eventPanel({ api, tenant, name, signal }),
    ),
    versionPanel(api, at, signal),
  );
}

/** @param {FunctionJson} described */
function facts({ name, url, liveVersion, live: version, quarantine, updatedAt }) {
  return [
    element(
      'p',
      { class: 'facts' },
      // A tab of its own, without a way back to this one.
      element('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, url),
      ` · version ${liveVersion} · ${version.world} · changed `,
      moment(updatedAt),
    ),
    quarantine === undefined
      ? undefined
      : element(
          'div',
          { class: 'notice bad' },
          element(
            'p',
            {},
            `Version ${quarantine.version} is out of service: ${quarantine.reason} `,
            moment(quarantine.since),
          ),
          element(
            'p',
            { class: 'mend' },
            'Publish another version, or: ',
            element('code', {}, `npx mayfly quarantine lift ${name}`),
          ),
        ),
  ].filter((part) => part !== undefined);
}

/** @param {{ api: Api, tenant: string, name: string, signal: AbortSignal }} options */
function failedPanel(options) {
  const { signal } = options;
  /** @type {HTMLElement | undefined} */
  let shown;
  return panel(
    'Failed invocations',
    live({
      signal,
      everyMs: 15_000,
      load: () => failedInvocations({ ...options, most: 10 }),
      // Whoever reads is left in peace until there is another one.
      show: (/** @type {HTMLElement} */ list) => {
        if (list.dataset['newest'] === shown?.dataset['newest'] && shown?.isConnected) return undefined;
        shown = list;
        return list;
      },
    }),
  );
}

/** @param {Api} api @param {string} at @param {AbortSignal} signal */
function versionPanel(api, at, signal) {
  return panel(
    'Versions',
    live({
      signal,
      everyMs: 15_000,
      load: () => api.ask(`${at}/versions`, { query: { limit: 20 }, signal }),
      show: (/** @type {VersionJson[]} */ versions) =>
        table(
          'Versions',
          [
            {
              title: 'Version',
              cell: (one) => [one.version, one.live ? element('strong', { class: 'good' }, ' live') : ''],
            },
            { title: 'Published', cell: ({ createdAt }) => moment(createdAt) },
            { title: 'Handler', cell: ({ world }) => world },
            { title: 'Upload', isNumber: true, cell: ({ sizes }) => bytes(sizes.uploadBytes) },
            { title: 'Code', isNumber: true, cell: ({ sizes }) => bytes(sizes.codeBytes) },
            {
              title: 'Steps',
              cell: ({ steps, version }) =>
                element(
                  'details',
                  { 'data-mark': `steps-${version}` },
                  element('summary', {}, `${steps.length} steps`),
                  stepTable(steps),
                ),
            },
          ],
          versions,
        ),
    }),
  );
}
