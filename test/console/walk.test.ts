/** What a person does with the console, from the first page to a line in the log, without a mouse. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { Browser } from 'puppeteer-core';
import { launchChromium } from './chromium.ts';
import { type ConsoleHost, startConsoleHost } from './console-host.ts';
import { ConsolePage } from './console-page.ts';

let browser: Browser;
let started: ConsoleHost;
let folder: string;

test.before(async () => {
  [browser, started, folder] = await Promise.all([
    launchChromium(),
    startConsoleHost(),
    mkdtemp(join(tmpdir(), 'mayfly-console-')),
  ]);
  // An empty custom section makes it another component: one that the host has already goes through no steps.
  await writeFile(join(folder, 'My Shop.wasm'), Buffer.concat([started.hello, Buffer.from([0, 2, 1, 120])]));
});
test.after.always(async () => {
  await browser?.close();
  await started?.host.dispose();
  await rm(folder, { recursive: true, force: true });
});

test('by keyboard alone: sign in, publish, try a request, read the log', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  const { keyboard } = view.page;
  t.is(await view.focused(), 'Key');
  await view.signIn(started.key, 'acme');
  await view.untilText('h1', 'acme');

  await view.tabTo('Component (.wasm)');
  const [chooser] = await Promise.all([view.page.waitForFileChooser(), keyboard.press('Space')]);
  await chooser.accept([join(folder, 'My Shop.wasm')]);
  await view.untilText('.result', 'ready to publish');
  await view.tabTo('Function');
  t.is(await view.page.$eval(':focus', (input) => (input as HTMLInputElement).value), 'my-shop');
  await keyboard.press('Enter');
  await view.untilText('.notice.good', 'my-shop version 1');
  const published = await view.text('.notice.good');
  for (const step of ['check', 'transpile', 'instrument']) t.true(published.includes(step), published);

  // The focus is on the link to what was published.
  t.is(await view.focused(), 'my-shop version 1');
  await keyboard.press('Enter');
  await view.untilText('h1', 'acme / my-shop');
  await view.tabTo('Path and query');
  await keyboard.down('Control');
  await keyboard.press('a');
  await keyboard.up('Control');
  await keyboard.type('/cart?name=Ada');
  await keyboard.press('Enter');
  await view.untilText('.status', '200');
  t.regex(await view.text('.status'), /fuel/);
  t.regex(await view.text('.body'), /"hello":"Ada".*"path":"\/cart"/);
  t.regex(await view.text('.result table'), /exec|guest|queue|run/);
  await view.untilText('.log li', 'GET /cart');
  t.deepEqual(view.faults, []);
  await view.close();
});

test('a component that is dropped is taken, and one that is none is refused with a way to mend it', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(started.key, 'acme');
  await view.untilText('h1', 'acme');
  await view.page.evaluate(() => {
    const dropped = new DataTransfer();
    dropped.items.add(new File(['not wasm'], 'nonsense.wasm'));
    document.querySelector('.drop')?.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped }));
  });
  await view.untilText('.result', 'nonsense.wasm, 8 B');
  await view.page.click('form.row button');
  await view.untilText('[role=alert]', 'component_malformed');
  t.not(await view.text('[role=alert] .mend'), '');
  await view.close();
});

test('a key that opens nothing says so; the right one is in the tab alone, and gone with a sign-out', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn('mayfly_wrong', 'acme');
  await view.untilText('[role=alert]', 'unauthenticated');
  t.is(await view.focused(), 'Key');
  await view.page.reload();
  await view.page.waitForSelector('form.sign-in');
  await view.signIn(started.key, 'acme');
  await view.untilText('h1', 'acme');
  await view.page.reload();
  await view.untilText('h1', 'acme');
  const { kept, elsewhere } = await view.page.evaluate(() => ({
    kept: JSON.stringify({ ...sessionStorage }),
    elsewhere: [
      JSON.stringify({ ...localStorage }),
      document.cookie,
      location.href,
      document.documentElement.outerHTML,
    ],
  }));
  t.true(kept.includes(started.key));
  for (const text of elsewhere) t.false(text.includes(started.key));
  t.deepEqual(await view.page.browserContext().cookies(), []);
  await view.page.evaluate(() =>
    [...document.querySelectorAll('button')].find((node) => node.textContent === 'Sign out')?.click(),
  );
  await view.page.waitForSelector('form.sign-in');
  t.is(await view.page.evaluate(() => sessionStorage.length), 0);
  await view.close();
});
