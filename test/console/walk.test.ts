/** What a person does with the console, from the first page to a line in the log, without a mouse. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Redis } from 'ioredis';
import type { Browser } from 'puppeteer-core';
import { RedisServer } from '../harness/redis-server.ts';
import { launchChromium } from './chromium.ts';
import { type ConsoleHost, startConsoleHost } from './console-host.ts';
import { ConsolePage } from './console-page.ts';

let browser: Browser;
let started: ConsoleHost;
let folder: string;
let redis: RedisServer;

test.before(async () => {
  redis = await RedisServer.start();
  [browser, started, folder] = await Promise.all([
    launchChromium(),
    startConsoleHost({ MAYFLY_REDIS_URL: redis.url }),
    mkdtemp(join(tmpdir(), 'mayfly-console-')),
  ]);
  // An empty custom section makes it another component: one that the host has already goes through no steps.
  await writeFile(join(folder, 'My Shop.wasm'), Buffer.concat([started.hello, Buffer.from([0, 2, 1, 120])]));
});
test.after.always(async () => {
  await browser?.close();
  await started?.host.dispose();
  await redis?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('by keyboard alone: sign in, publish, try a request, read the log', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  const { keyboard } = view.page;
  t.is(await view.focused(), 'Key');
  await view.signIn(started.key);
  await view.untilText('h1', 'acme');
  // The parts of the view come with answers of their own: whoever goes through them by key begins when they are there.
  await view.untilText('.total', 'EUR');
  await view.untilText('td', '0 3 * * *');

  await view.tabTo('Component (.wasm)');
  const choosing = view.page.waitForFileChooser();
  // The page answers behind that order: a key that came before it would open a dialog that nobody sees.
  await view.page.evaluate(() => undefined);
  await keyboard.press('Space');
  const chooser = await choosing;
  await chooser.accept([join(folder, 'My Shop.wasm')]);
  await view.untilText('.result', 'ready to publish');
  await view.tabTo('Function');
  t.is(await view.page.$eval(':focus', (input) => (input as HTMLInputElement).value), 'my-shop');
  await keyboard.press('Enter');
  // The host says what it is at; the steps stay until its outcome takes their place.
  await view.untilText('.result', 'Write the metering in');
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
  await view.signIn(started.key);
  await view.untilText('h1', 'acme');
  await view.page.evaluate(() => {
    const dropped = new DataTransfer();
    dropped.items.add(new File(['not wasm'], 'nonsense.wasm'));
    document.querySelector('.drop')?.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped }));
  });
  await view.untilText('.result', 'nonsense.wasm, 8 B');
  await view.click('form.row button');
  await view.untilText('[role=alert]', 'component_malformed');
  t.not(await view.text('[role=alert] .mend'), '');
  await view.close();
});

test('dead letters are tried again one by one, and deleted only by who says so twice', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  const deadLetters = async () =>
    (await started.api.api('GET', '/tenants/acme/queues/orders')).json.counts.dead;
  await view.signIn(started.key);
  await view.untilText('.live button', '2 …');
  await view.press('Show 2 dead letters of orders');
  await view.untilText('h3', 'Dead letters of acme/orders');
  t.true((await view.text()).includes('{"order":17}'));
  await view.click('.live td button.small[aria-label^="Try"]');
  // It is tried at once, and comes back with another attempt behind it.
  await view.untilText('#announcements', '1 is ready again.');
  await view.untilText('.live button', '2 …');
  await view.pressText('Delete all of them …');
  await view.page.waitForSelector('dialog[open]');
  t.deepEqual(await view.violations(), []);
  t.is(await view.focused(), 'Cancel');
  await view.page.keyboard.press('Escape');
  await view.page.waitForSelector('dialog', { hidden: true });
  t.is(await deadLetters(), 2);
  await view.pressText('Delete all of them …');
  await view.page.waitForSelector('dialog[open]');
  await view.pressText('Delete them');
  await view.untilText('#announcements', '2 are deleted.');
  t.is(await deadLetters(), 0);
  t.deepEqual(view.faults, []);
  await view.close();
});

test('what a mapping has given up of a stream is shown with it, tried again and deleted', async (t) => {
  const path = '/tenants/acme/event-source-mappings/feed';
  const source = { type: 'redis-stream', key: 'feed', startingPosition: 'trim-horizon' };
  await started.api.api('PUT', path, { source, function: 'broken', maximumAttempts: 1 });
  const writer = new Redis(redis.url);
  await writer.xadd('feed', '*', 'body', '{"entry":1}');
  await writer.quit();
  const untilDead = async (count: number): Promise<void> => {
    for (;;) {
      const { counts, status } = (await started.api.api('GET', path)).json;
      if (counts.dead === 1 && status.counts.dead === count) return;
    }
  };
  await untilDead(1);
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(started.key);
  await view.untilText('.live button', '1 …');
  await view.press('Show 1 dead letters of feed');
  await view.untilText('h3', 'Dead letters of the mapping acme/feed');
  t.true((await view.text()).includes('{"entry":1}'));
  await view.click('.live td button.small[aria-label^="Try"]');
  await view.untilText('#announcements', '1 is ready again.');
  await untilDead(2);
  await view.pressText('Delete all of them …');
  await view.page.waitForSelector('dialog[open]');
  await view.pressText('Delete them');
  await view.untilText('#announcements', '1 is deleted.');
  t.is((await started.api.api('GET', path)).json.counts.dead, 0);
  t.deepEqual(view.faults, []);
  await view.close();
});

test('a mapping and a schedule are paused and resumed, and say what they do', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(started.host.running.adminKey.key);
  await view.untilText('td', '0 3 * * *');
  const isEnabled = async (path: string) =>
    (await started.api.api('GET', `/tenants/acme/${path}`)).json.enabled;
  for (const [name, path] of [
    ['nightly', 'schedules/nightly'],
    ['orders', 'event-source-mappings/orders'],
  ] as const) {
    await view.press(`Pause ${name}`);
    await view.untilText('#announcements', `${name} is paused.`);
    await view.untilText('td .second', 'paused');
    t.false(await isEnabled(path));
    await view.press(`Resume ${name}`);
    await view.untilText('#announcements', `${name} is resumed.`);
    t.true(await isEnabled(path));
  }
  t.deepEqual(view.faults, []);
  await view.close();
});

test('what a key may not do is not offered', async (t) => {
  const { json } = await started.api.api('POST', '/tenants/acme/keys', { name: 'eyes', scopes: ['read'] });
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(json.key);
  await view.untilText('.who', 'key eyes of acme');
  await view.untilText('p', 'lacks the scope “deploy”');
  await view.untilText('td', '0 3 * * *');
  t.deepEqual(
    await view.page.$$eval('.live td button', (all) =>
      all.map((one) => one.textContent).filter((text) => !text!.includes('…')),
    ),
    [],
  );
  await view.close();
});

test('a key that opens nothing says so; the right one is in the tab alone, and gone with a sign-out', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn('mayfly_wrong');
  await view.untilText('[role=alert]', 'unauthenticated');
  t.is(await view.focused(), 'Key');
  await view.page.reload();
  await view.page.waitForSelector('form.sign-in');
  await view.signIn(started.key);
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
