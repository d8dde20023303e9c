/**
 * Who is signed in: a key, and whose it is. The browser forgets it with the tab; it is in no address and no cookie.
 *
 * Functions are served under the same name, but what they answer there is in a sandbox: a page of one, opened in this very tab,
 * has an origin of its own and cannot read what is kept here (host/front-door/shared-origin.ts).
 */

const ITEM = 'mayfly-session';

/**
 * @typedef {object} Session
 * @property {string} key
 * @property {string} tenant empty for the operator
 */

/** @returns {Session | undefined} */
export function storedSession() {
  const text = sessionStorage.getItem(ITEM);
  return text === null ? undefined : JSON.parse(text);
}

/** @param {Session} session */
export function storeSession(session) {
  sessionStorage.setItem(ITEM, JSON.stringify(session));
}

export function forgetSession() {
  sessionStorage.removeItem(ITEM);
}
