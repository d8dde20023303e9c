/** What older releases published: how far it has been metered again, and what could not be. Nothing where there is nothing of it. */
import { element } from './element.js';
import { live } from './live.js';
import { count } from './quantity.js';

/** @import { Api } from './api.js' */
/** @import { RemeteringJson } from '../../control-plane/remetering-schemas.ts' */

/** @param {{ api: Api, signal: AbortSignal }} options */
export function remeteringNote({ api, signal }) {
  return live({
    signal,
    everyMs: 5_000,
    initial: [],
    load: () => api.ask('/remetering', { signal }),
    show: (/** @type {RemeteringJson} */ status) => [progress(status), ...status.failed.map(failure)],
  });
}

/** @param {RemeteringJson} status */
function progress({ state, waiting, done }) {
  if (state === 'done') return undefined;
  const left = `${count(waiting)} ${waiting === 1 ? 'artifact' : 'artifacts'} of older releases`;
  const text =
    state === 'off'
      ? `${left} left as they are: MAYFLY_REMETERING is 0.`
      : `${left} to be metered again, ${count(done)} done.`;
  return element('p', { class: 'muted' }, text);
}

/** @param {RemeteringJson['failed'][number]} failed */
function failure({ code, detail, mend, versions }) {
  const links = versions.flatMap(({ tenant, function: name, version }) => [
    element('a', { href: `#/tenants/${tenant}/functions/${name}` }, `${tenant}/${name}`),
    ` version ${version} `,
  ]);
  return element(
    'p',
    {},
    ...links,
    element('span', { class: 'bad' }, 'could not be metered again'),
    ` and runs as it was published: ${code}: ${detail} ${mend}`,
  );
}
