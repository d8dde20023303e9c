/**
 * Functions that are served under the console's name are of its origin to a browser, and of one another's: without more, a
 * page of one could read what the console keeps (the key of whoever is signed in), and a field of one answer could hold for
 * all of them. So what a function answers there is put into a sandbox: a page of it runs in an origin of its own, which
 * shares storage, workers and documents with nobody. A name that the operator keeps for functions alone has no console
 * (`MAYFLY_FUNCTIONS_URL`), and pages there are not sandboxed (docs/decisions/0025-functions-in-a-sandbox.md).
 */

/**
 * A second policy only adds to what is forbidden (CSP level 3, section 8.1), so that a function cannot undo it by a header of
 * its own. `allow-same-origin` is what must not be in it; windows that a page opens escape, because a page on
 * another host would otherwise not work in them, and those on this one have a sandbox of their own.
 */
export const SANDBOX_POLICY =
  'sandbox allow-scripts allow-forms allow-modals allow-downloads allow-popups allow-popups-to-escape-sandbox';

/** Fields that a browser takes to be said by the whole origin, and keeps to for every path of it. */
const WHOLE_ORIGIN_FIELDS: ReadonlySet<string> = new Set([
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  'nel',
  'report-to',
]);

export function isOfWholeOrigin(name: string): boolean {
  return WHOLE_ORIGIN_FIELDS.has(name.toLowerCase());
}

/** Whether the name in a `Host` header is the one that is kept for functions; none is, where there is no such name. */
export function isFunctionsHost(functionsHost: string | undefined, host: string | undefined): boolean {
  return functionsHost !== undefined && host?.toLowerCase() === functionsHost;
}
