/** The page: who is signed in, which view the address names, and one view at a time. */
import { announce } from './announcer.js';
import { Api } from './api.js';
import { element, fill } from './element.js';
import { functionView } from './function-view.js';
import { problemNotice } from './notice.js';
import { overviewView } from './overview-view.js';
import { forgetSession, storedSession, storeSession } from './session.js';
import { signInView } from './sign-in-view.js';
import { tenantView } from './tenant-view.js';
import { themeSwitch } from './theme.js';

/** @import { Session } from './session.js' */

const FUNCTION = /^#\/tenants\/([a-z0-9-]+)\/functions\/([a-z0-9-]+)$/;
const TENANT = /^#\/tenants\/([a-z0-9-]+)$/;

const content = /** @type {HTMLElement} */ (document.getElementById('content'));
const navigation = /** @type {HTMLElement} */ (document.getElementById('navigation'));
const controls = /** @type {HTMLElement} */ (document.getElementById('controls'));

let session = storedSession();
let ending = new AbortController();

/** @param {Session} signedIn */
function signIn(signedIn) {
  session = signedIn;
  storeSession(signedIn);
  void show();
}

function signOut() {
  session = undefined;
  forgetSession();
  location.hash = '#/';
  void show();
}

/** @param {{ isFirst?: boolean }} [options] */
async function show({ isFirst = false } = {}) {
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  showBar();
  const view =
    session === undefined ? signInView(signIn) : await viewOf(session, signal).catch(problemNotice);
  if (signal.aborted) return;
  fill(content, view);
  const heading = content.querySelector('h1');
  document.title = `${heading?.textContent ?? 'Console'} · Mayfly`;
  // Whoever has just opened the page starts at its top; whoever went somewhere is there.
  if (session === undefined) content.querySelector('input')?.focus();
  else if (!isFirst) heading?.focus();
  announce(document.title);
}

/**
 * @param {Session} signedIn
 * @param {AbortSignal} signal
 */
async function viewOf(signedIn, signal) {
  const api = new Api(signedIn);
  const [, ownerOf, name] = FUNCTION.exec(location.hash) ?? [];
  if (ownerOf !== undefined && name !== undefined)
    return functionView({ api, tenant: ownerOf, name, signal });
  const tenant = TENANT.exec(location.hash)?.[1] ?? signedIn.tenant;
  return tenant === '' ? overviewView({ api, signal }) : tenantView({ api, tenant, signal });
}

function showBar() {
  if (session === undefined) {
    fill(navigation);
    fill(controls, themeSwitch());
    return;
  }
  const { tenant, name } = session;
  const home = element('a', { href: '#/' }, tenant === '' ? 'Host' : tenant);
  if (location.hash === '' || location.hash === '#/') home.setAttribute('aria-current', 'page');
  fill(navigation, home, element('a', { href: '/openapi.json', target: '_blank', rel: 'noopener' }, 'API'));
  const who = element(
    'span',
    { class: 'muted who' },
    tenant === '' ? 'operator' : `key ${name} of ${tenant}`,
  );
  fill(controls, who, themeSwitch(), element('button', { type: 'button', onclick: signOut }, 'Sign out'));
}

// The address says which view there is, so the link does not go to an anchor.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  content.focus();
});
addEventListener('hashchange', () => void show());
void show({ isFirst: true });
