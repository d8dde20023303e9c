/**
 * Who is signed in: a key, and whose it is. The browser forgets it with the tab; it is in no address and no cookie.
 *
 * A function of this host is served from the same origin, and a page of it that is opened in this very tab could read
 * what the tab keeps. So links to functions open tabs of their own, which get nothing of this one.
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
