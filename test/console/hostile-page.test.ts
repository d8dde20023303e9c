/**
 * A function's page against the console, in a real Chromium: whoever signs in and then opens the page of a hostile tenant, in
 * the very tab that keeps the key, has not given it away.
 */
import test, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'puppeteer-core';
import { cCommand } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { launchChromium } from './chromium.ts';
import { ConsolePage } from './console-page.ts';

/** Tries what a page can do to another one of its origin, and shows what came of it. `HOP` is a document of its own making. */
const SCRIPT = `
const results = {};
const attempt = async (name, run) => {
  try { results[name] = String(await run()); } catch (error) { results[name] = error.name; }
};
const loaded = (frame) => new Promise((resolve) => { frame.onload = resolve; frame.onerror = resolve; });
const framed = async (url) => {
  const frame = document.createElementNS('http://www.w3.org/1999/xhtml', 'iframe');
  const isLoaded = loaded(frame);
  frame.src = url;
  document.documentElement.append(frame);
  await isLoaded;
  return frame.contentWindow.sessionStorage.getItem('mayfly-session');
};
// Only who was clicked may open a window.
document.addEventListener('click', async () => {
  results.origin = self.origin;
  await attempt('session', () => sessionStorage.getItem('mayfly-session'));
  await attempt('local', () => { localStorage.setItem('mayfly-theme', 'evil'); return 'written'; });
  await attempt('cookie', () => { document.cookie = 'a=b; path=/'; return document.cookie; });
  await attempt('worker', async () => (await navigator.serviceWorker.register('worker.js')).scope);
  await attempt('database', () => indexedDB.open('x') && 'opened');
  await attempt('frame', () => framed('/console/'));
  await attempt('sourceDocument', async () => {
    const frame = document.createElementNS('http://www.w3.org/1999/xhtml', 'iframe');
    const isLoaded = loaded(frame);
    frame.srcdoc = '<p>inner</p>';
    document.documentElement.append(frame);
    await isLoaded;
    return frame.contentWindow.sessionStorage.getItem('mayfly-session');
  });
  await attempt('window', async () => {
    const opened = window.open('/console/');
    let read = '';
    // Until the console is there, which has nothing to do with who opened it.
    while (!opened.closed) {
      try { read += opened.sessionStorage.getItem('mayfly-session') + opened.document.title; } catch {}
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return 'severed' + read;
  });
  await attempt('api', async () => (await fetch('/v1/whoami')).status);
  document.documentElement.dataset.results = JSON.stringify(results);
}, { once: true });
`;

/** Policies and fields of its own that should not help it. */
const EVIL = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
  const char *path = getenv("PATH_INFO");
  if (path && strstr(path, "worker")) { printf("Content-Type: text/javascript\\n\\n"); return 0; }
  const int isDrawing = path && strstr(path, "drawing");
  printf("Content-Type: %s\\n", isDrawing ? "image/svg+xml" : "text/html");
  if (path && strstr(path, "policy"))
    printf("Content-Security-Policy: sandbox allow-scripts allow-same-origin allow-popups\\n");
  printf("Clear-Site-Data: \\"storage\\"\\n");
  printf("Strict-Transport-Security: max-age=31536000\\nReport-To: {}\\nNEL: {}\\n\\n");
  fputs(isDrawing
    ? "<svg xmlns='http://www.w3.org/2000/svg'><script><![CDATA["
    : "<!doctype html><title>evil</title><body><script>", stdout);
  fputs(${JSON.stringify(SCRIPT)}, stdout);
  fputs(isDrawing ? "]]></script></svg>" : "</script>", stdout);
  return 0;
}
`;

let browser: Browser;
let host: TestHost;

test.before(async () => {
  let evil: Uint8Array;
  [browser, host, evil] = await Promise.all([
    launchChromium(),
    startTestHost({ env: { MAYFLY_THREADS: '1', MAYFLY_FUNCTIONS_URL: 'https://fn.example.com' } }),
    cCommand(EVIL),
  ]);
  const operator = new Operator(host);
  for (const tenant of ['acme', 'apart']) {
    await operator.tenant(tenant);
    await operator.deploy(tenant, 'evil', evil);
  }
  await operator.api('PATCH', '/tenants/apart/settings', { isolation: 'process' });
});
test.after.always(async () => {
  await browser?.close();
  await host?.dispose();
});

/** What the page says it has got hold of. */
async function resultsOf(page: Page, url: string): Promise<Record<string, string>> {
  await page.goto(url);
  await page.mouse.click(5, 5);
  await page.waitForSelector('[data-results]');
  return JSON.parse(await page.$eval('[data-results]', (node) => (node as HTMLElement).dataset['results']!));
}

async function signedIn(): Promise<ConsolePage> {
  const view = await ConsolePage.open(browser, { origin: host.origin });
  await view.signIn(host.running.adminKey.key);
  await view.untilText('h1', 'Host');
  return view;
}

/** Nothing of what it tried gave it anything. */
function gotNothing(t: ExecutionContext, results: Record<string, string>): void {
  const { origin, api, window, frame, ...rest } = results;
  t.is(origin, 'null');
  for (const [name, value] of Object.entries(rest)) t.regex(value, /^(SecurityError|TypeError)$/, name);
  t.is(frame!, 'SecurityError');
  t.is(window!, 'severed');
  t.is(api, 'TypeError');
}

for (const path of ['', 'drawing.svg', 'with-a-policy']) {
  test(`a function's page in the tab that is signed in reads nothing of it: ${path || 'a document'}`, async (t) => {
    const view = await signedIn();
    gotNothing(t, await resultsOf(view.page, `${host.origin}/fn/acme/evil/${path}`));
    // Nor has it signed anybody out, or changed what the console looks like.
    await view.page.goto(`${host.origin}/console/`);
    await view.untilText('h1', 'Host');
    t.is(await view.page.evaluate(() => localStorage.getItem('mayfly-theme')), null);
    await view.close();
  });
}

test('no answer of a function is without the sandbox, and none speaks for the whole origin', async (t) => {
  for (const tenant of ['acme', 'apart']) {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const { headers } = await host.request(`/fn/${tenant}/evil/`, { method });
      const policy = String(headers['content-security-policy']);
      t.regex(policy, /^sandbox allow-scripts allow-forms(?!.*allow-same-origin)/, tenant);
      for (const name of ['clear-site-data', 'strict-transport-security', 'report-to', 'nel'])
        t.is(headers[name], undefined, name);
    }
  }
});

test('under the name that is kept for functions their pages are free, and the console is not there', async (t) => {
  const headers = { host: 'fn.example.com' };
  const answer = await host.request('/fn/acme/evil/', { headers });
  t.is(answer.headers['content-security-policy'], undefined);
  t.not(answer.headers['clear-site-data'], undefined);
  for (const path of ['/console/', '/console/main.js', '/console']) {
    const { status, text } = await host.request(path, { headers: { host: 'FN.example.com' } });
    t.is(status, 404, path);
    t.regex(text, /kept for functions/);
  }
  const { json } = await new Operator(host).api('GET', '/tenants/acme/functions/evil');
  t.is(json.url, 'https://fn.example.com/fn/acme/evil/');
});
