/**
 * Who is signed in: a key, and whose it is. The browser forgets it with the tab; it is in no address and no cookie.
 *
 * Functions are served under the same name, but what they answer there is in a sandbox: a page of one, opened in this very tab,
 * has an origin of its own and cannot read what is kept here (host/front-door/shared-origin.ts).
 */

/** @import { IdentityJson } from '../../control-plane/identity.ts' */

const ITEM = 'mayfly-session';

/**
 * @typedef {object} Session
 * @property {string} key
 * @property {string} tenant empty for the operator
 * @property {string} name of the key; empty for the operator's
 * @property {readonly string[]} scopes of the key; `operator` stands for all there are
 * @property {string} [traceUrl] where a trace can be looked at
 */

/**
 * @param {string} key
 * @param {IdentityJson} identity
 * @returns {Session}
 */
export function sessionOf(key, { tenant = '', key: own, host: { traceUrl } }) {
  const { name = '', scopes = ['operator'] } = own ?? {};
  return { key, tenant, name, scopes, ...(traceUrl === undefined ? {} : { traceUrl }) };
}

/** @returns {Session | undefined} */
export function storedSession() {
  const session = JSON.parse(sessionStorage.getItem(ITEM) ?? '{}');
  // Of an earlier release, perhaps.
  return Array.isArray(session.scopes) ? session : undefined;
}

/** @param {Session} session */
export function storeSession(session) {
  sessionStorage.setItem(ITEM, JSON.stringify(session));
}

export function forgetSession() {
  sessionStorage.removeItem(ITEM);
}
