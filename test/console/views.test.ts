/** Each view of the console with something in it: what it shows, in both themes, wide and narrow, and to axe-core. */
import test, { type ExecutionContext } from 'ava';
import type { Browser } from 'puppeteer-core';
import { launchChromium } from './chromium.ts';
import { type ConsoleHost, startConsoleHost } from './console-host.ts';
import { ConsolePage } from './console-page.ts';

let browser: Browser;
let started: ConsoleHost;

test.before(async () => {
  [browser, started] = await Promise.all([launchChromium(), startConsoleHost()]);
});
test.after.always(async () => {
  await browser?.close();
  await started?.host.dispose();
});

/** Both themes, wide and as narrow as a phone; the other two pairs have shown nothing that these do not. */
const LOOKS = [
  { colours: 'light', width: 1_440 },
  { colours: 'dark', width: 360 },
] as const;

const operatorKey = (): string => started.host.running.adminKey.key;

/** Nothing wrong with it in any theme at any width. */
async function sound(t: ExecutionContext, view: ConsolePage): Promise<void> {
  t.deepEqual(await view.violations(), []);
  t.true((await view.overflowPx()) <= 0, 'the page scrolls sideways');
}

for (const look of LOOKS) {
  test(`the views are sound: ${look.colours}, ${look.width} px`, async (t) => {
    const view = await ConsolePage.open(browser, { origin: started.host.origin, ...look });
    await sound(t, view);
    await view.signIn(operatorKey());
    await view.untilText('h1', 'Host');
    // Each of these comes with an answer of its own.
    await view.untilText('.failure', 'unreachable');
    await view.untilText('td', 'EUR');
    await view.untilText('.live button', '2 …');
    await view.untilText('.tile', 'GiB-s');
    await view.untilText('td', '0 3 * * *');
    await view.untilText('.failure .log', 'unreachable');
    await view.untilText('.value', 'scopes');
    await sound(t, view);
    await view.go('#/tenants/acme', 'acme');
    await view.untilText('.total', 'EUR');
    await view.untilText('.value', 'scopes');
    await view.untilText('.failure', 'unreachable');
    await sound(t, view);
    await view.go('#/tenants/acme/functions/hello', 'acme / hello');
    await view.untilText('.log li', 'GET /');
    await view.untilText('tbody th', 'live');
    await sound(t, view);
    await view.go('#/tenants/acme/functions/broken', 'acme / broken');
    await view.untilText('.failed .log', 'unreachable');
    await sound(t, view);
    t.deepEqual(view.faults, []);
    await view.close();
  });
}

test('an operator sees tenants, rates, failures with their logs, costs, and dead letters that can be tried again', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(operatorKey());
  await view.untilText('h1', 'Host');
  for (const name of ['acme', 'globex', 'default']) await view.untilText('tbody th', name);
  await view.untilText('.failure h3', 'acme/broken');
  await view.untilText('.failure .log', 'function_trapped');
  // From a function that fails to what failed, and from there to its trace.
  const trace = await view.page.$eval(
    '.failure a[target=_blank]',
    (link) => (link as HTMLAnchorElement).href,
  );
  t.is(trace, `https://traces.example/trace/${'4'.repeat(32)}`);
  t.is(
    await view.page.$eval('.failure a[target=_blank]', (link) => link.getAttribute('rel')),
    'noopener noreferrer',
  );
  await view.untilText('.summary', 'EUR so far this month');
  await view.untilText('.summary', 'half ≤');
  await view.untilText('.live button', '2 …');
  // Painted, not only there: pixels of the plot's own colour.
  t.true(await view.page.evaluate(isPainted, '.plot canvas'));

  await view.click('.live button');
  await view.untilText('td', 'function_trapped');
  t.true((await view.text()).includes('{"order":17}'));
  t.regex(await view.focused(), /^Dead letters of acme\/orders/);
  t.deepEqual(view.faults, []);
  await view.close();
});

test('a mapping says what it reads and what became of it, a schedule when it is due', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(started.key);
  await view.untilText('[aria-label="Event source mappings"] td', 'idle');
  t.deepEqual(await rowOf(view, 'Event source mappings', 'acme/orders'), [
    ...['acme/orders', 'orders', 'broken', 'idle'],
    // Done, retried, given up.
    ...['0', '0', '2'],
    'Pause',
  ]);
  await view.untilText('[aria-label="Schedules"] th', 'acme/nightly');
  const [name, when, calls, next = '', last] = await rowOf(view, 'Schedules', 'acme/nightly');
  t.deepEqual([name, when, calls, last], ['acme/nightly', '0 3 * * * UTC', 'hello', '–']);
  const { json } = await started.api.api('GET', '/tenants/acme/schedules/nightly');
  t.true(next.includes(`${json.nextTicks[0].slice(0, 10)} 03:00:00 UTC`), next);
  await view.close();
});

test('what was changed is told with who did it and what it was: of a tenant to its administrators, of all to the operator', async (t) => {
  const made = await started.api.api('POST', '/tenants/acme/keys', { name: 'boss', scopes: ['admin'] });
  const changes = async (key: string): Promise<string[]> => {
    const view = await ConsolePage.open(browser, { origin: started.host.origin });
    await view.signIn(key);
    await view.untilText('[aria-label="Changes"] td', 'boss');
    await view.pressText('Earlier changes');
    await view.untilText('[aria-label="Changes"] th', 'function.publish acme/broken');
    const rows = await view.page.$$eval('[aria-label="Changes"] tbody tr', (all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent).join(' | ')),
    );
    t.deepEqual(view.faults, []);
    await view.close();
    return rows;
  };
  const own = await changes(made.json.key);
  const budget =
    /^budget\.set acme \| operator \| 127\.0\.0\.1 \| .*, \d{4}-\d\d-\d\d .* UTC \| – \| \{.*"amount".*\}$/;
  t.is(own.filter((row) => budget.test(row)).length, 1, own.join('\n'));
  t.true(own.every((row) => !row.includes('globex') && !row.includes('prices.set')));
  const all = await changes(operatorKey());
  t.true(
    all.some((row) => row.startsWith('tenant.create globex | operator')),
    all.join('\n'),
  );
  t.true(
    all.some((row) => row.startsWith('prices.set ')),
    all.join('\n'),
  );
});

test('what is asked for while a button is pressed does not take its place before it is let go', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(operatorKey());
  const button = '.live button[data-mark="earlier changes"]';
  await view.page.waitForSelector(button);
  await view.settled();
  let asked = 0;
  view.page.on('request', (request) => {
    if (request.url().includes('/audit?limit=5')) asked++;
  });
  await view.page.locator(button).hover();
  await view.page.mouse.down();
  // The second request begins when the answer to the first was dealt with.
  await view.page.$eval(button, (node) => {
    const list = node.closest('.live')!;
    for (const event of ['reload', 'reload']) list.dispatchEvent(new Event(event));
  });
  while (asked < 2) await view.page.evaluate(() => new Promise(requestAnimationFrame));
  await view.page.mouse.up();
  await view.untilText('[aria-label="Changes"] th', 'function.publish acme/broken');
  t.deepEqual(view.faults, []);
  await view.close();
});

test("a tenant's key sees its tenant, and no other", async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(started.key);
  await view.untilText('.total', 'EUR for');
  t.is(await view.page.$('[aria-label="Changes"]'), null, 'its scopes are not those of an administrator');
  await view.untilText('p', 'Budget:');
  const budget = await view.page.$$eval('p', (all) =>
    all.map((one) => one.textContent).find((text) => text.startsWith('Budget:')),
  );
  t.regex(budget ?? '', /^Budget: 0\.0\d*[1-9]\d* of 25\.00 EUR a month\. $/);
  await view.go('#/tenants/globex', 'globex');
  await view.untilText('[role=alert]', 'forbidden');
  t.true((await view.text('[role=alert]')).includes('another tenant'));
  await view.close();
});

test('where there is nothing, it says what to do first', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(operatorKey());
  await view.untilText('h1', 'Host');
  await view.go('#/tenants/globex', 'globex');
  await view.untilText('.notice', 'There is no function yet.');
  await view.untilText('.command', 'npx mayfly deploy');
  await view.untilText('.command', 'npx mayfly queues create');
  // Nothing is all that it may spend.
  await view.untilText('.notice.bad', 'It is used up: invocations are refused');
  await view.untilText('.notice.bad', '100 % was reached');
  t.pass();
  await view.close();
});

test('what a function writes is text, whatever it looks like', async (t) => {
  const markup = '<img src=x onerror=alert(1)>';
  const view = await ConsolePage.open(browser, { origin: started.host.origin });
  await view.signIn(operatorKey());
  await view.untilText('h1', 'Host');
  await view.go('#/tenants/acme/functions/hello', 'acme / hello');
  await view.untilText('.log li', 'GET /');
  await started.host.request(`/fn/acme/hello/${encodeURIComponent(markup)}`);
  await view.untilText('.log .message', '%3Cimg');
  await view.page.evaluate((text) => {
    const body = [...document.querySelectorAll('textarea')].at(-1);
    if (body !== undefined) body.value = text;
    const method = document.querySelector('form select');
    if (method instanceof HTMLSelectElement) method.value = 'POST';
    document.querySelector('form')?.requestSubmit();
  }, markup);
  await view.untilText('.body', markup);
  t.is(await view.page.$('.body img'), null);
  t.deepEqual(view.faults, []);
  await view.close();
});

test('the switch of colours holds over a reload, whatever the system says', async (t) => {
  const view = await ConsolePage.open(browser, { origin: started.host.origin, colours: 'light' });
  const ground = () => view.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await view.page.select('.theme select', 'dark');
  const dark = await ground();
  t.not(dark, light);
  await view.page.reload();
  await view.page.waitForSelector('.theme select');
  t.is(await ground(), dark);
  await view.close();
});

/** What stands in a row of a table, cell by cell. */
function rowOf({ page }: ConsolePage, caption: string, name: string): Promise<string[]> {
  return page.$$eval(
    `[aria-label="${caption}"] tbody tr`,
    (rows, wanted) => {
      const row = rows.find((one) => one.firstChild?.textContent === wanted);
      return [...(row?.children ?? [])].map((cell) => cell.textContent ?? '');
    },
    name,
  );
}

/** Whether a canvas has pixels that are neither clear nor gray. Runs in the page. */
function isPainted(selector: string): boolean {
  const canvas = document.querySelector(selector) as HTMLCanvasElement;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(at, at + 4);
    if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) return true;
  }
  return false;
}
