/** Where the console's list of changes ends: a host of its own, since changes are listed by what came last. */
import test from 'ava';
import { startTestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { launchChromium } from './chromium.ts';
import { ConsolePage } from './console-page.ts';

/** What the list shows from one press of its button to the next; the last is a page of the API. */
const LENGTHS = [50, 500, 1_000];

test('where the list of changes is as long as it gets, it names the command that reads on behind it', async (t) => {
  const host = await startTestHost();
  t.teardown(() => host.dispose());
  await using browser = await launchChromium();
  const api = new Operator(host);
  await api.api('POST', '/tenants', { name: 'busy' });
  for (let change = 0; change < 1_000; change++)
    await api.api('PUT', '/tenants/busy/budget', { amount: `${change}.00` });
  const view = await ConsolePage.open(browser, { origin: host.origin });
  await view.signIn(host.running.adminKey.key);
  await view.untilText('h1', 'Host');
  const lists = [
    { hash: '#/', heading: 'Host', path: '/audit', whose: '--all' },
    { hash: '#/tenants/busy', heading: 'busy', path: '/tenants/busy/audit', whose: '--tenant busy' },
  ];
  for (const { hash, heading, path, whose } of lists) {
    await view.go(hash, heading);
    for (const shown of LENGTHS) {
      await view.pressText('Earlier changes');
      await view.page.waitForFunction(
        (rows: number) => document.querySelectorAll('[aria-label="Changes"] tbody tr').length === rows,
        { polling: 'mutation', timeout: 60_000 },
        shown,
      );
    }
    const { json: entries } = await api.api('GET', `${path}?limit=1000`);
    const oldest = entries.at(-1).id;
    const command = await view.page.$$eval('p code', (all) =>
      all.map((one) => one.textContent).find((text) => text.startsWith('npx mayfly audit')),
    );
    t.is(command, `npx mayfly audit ${whose} --lines 1000 --before ${oldest}`);
    const { json: behind } = await api.api('GET', `${path}?limit=1000&before=${oldest}`);
    t.true(behind.length > 0);
  }
});
