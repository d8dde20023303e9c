/** Who changed what: of one tenant, or of the whole host. */
import { path } from './api.js';
import { element, panel } from './element.js';
import { live } from './live.js';
import { moment } from './moment.js';
import { emptyNotice } from './notice.js';
import { table } from './table.js';

/** @import { Api } from './api.js' */
/** @import { AuditEntryJson } from '../../control-plane/audit-entry-schema.ts' */

const EVERY_MS = 10_000;
const NEWEST = 5;
/** A page of the API. */
const MOST = 1_000;

/**
 * @param {object} options
 * @param {Api} options.api
 * @param {string} [options.tenant] none for the whole host
 * @param {AbortSignal} options.signal
 */
export function auditPanel({ api, tenant, signal }) {
  const at = tenant === undefined ? '/audit' : path`/tenants/${tenant}/audit`;
  let limit = NEWEST;
  const list = live({
    signal,
    everyMs: EVERY_MS,
    load: () => api.ask(at, { query: { limit }, signal }),
    show: (/** @type {AuditEntryJson[]} */ entries) =>
      entries.length === 0
        ? emptyNotice('Nothing was changed yet. Everything that is from now on is listed here.')
        : [auditTable(entries), entries.length < limit ? undefined : more(entries)],
  });
  const more = (/** @type {readonly AuditEntryJson[]} */ entries) =>
    entries.length >= MOST
      ? element(
          'p',
          { class: 'muted' },
          'Those before: ',
          element('code', {}, earlierThan(entries.at(-1), tenant)),
        )
      : element(
          'button',
          {
            type: 'button',
            class: 'small',
            'data-mark': 'earlier changes',
            onclick: () => {
              limit = Math.min(limit * 10, MOST);
              list.dispatchEvent(new Event('reload'));
            },
          },
          'Earlier changes',
        );
  return panel('Changes', list);
}

/**
 * A command, for what is not asked for here.
 * @param {AuditEntryJson | undefined} oldest
 * @param {string | undefined} tenant
 */
function earlierThan(oldest, tenant) {
  const whose = tenant === undefined ? '--all' : `--tenant ${tenant}`;
  return `npx mayfly audit ${whose} --lines ${MOST} --before ${oldest?.id}`;
}

/** @param {readonly AuditEntryJson[]} entries */
function auditTable(entries) {
  return table(
    'Changes',
    [
      {
        title: 'What',
        cell: ({ tenant, action, target }) => [
          element('code', {}, action),
          ' ',
          // What a tenant's own changes are of has its name already.
          tenant === null || tenant === target
            ? undefined
            : element('span', { class: 'muted' }, `${tenant}/`),
          target,
        ],
      },
      { title: 'Who', cell: ({ actor }) => who(actor) },
      { title: 'From', cell: ({ actor }) => actor.address ?? '–' },
      { title: 'When', cell: ({ at }) => moment(at) },
      { title: 'Was', cell: ({ before }) => value(before) },
      { title: 'Is', cell: ({ after }) => value(after) },
    ],
    entries,
  );
}

/** @param {AuditEntryJson['actor']} actor */
function who({ kind, keyId }) {
  if (kind === 'key') return ['key ', element('code', {}, keyId)];
  return kind === 'operator' ? 'operator' : 'the host itself';
}

/** @param {unknown} value small, and never a secret */
function value(value) {
  return value === undefined ? '–' : element('code', { class: 'value' }, JSON.stringify(value));
}
