/** The operator's view of a host that has what an older release published. */
import test from 'ava';
import { resolveConfig } from '../../host/config.ts';
import { exampleComponent } from '../harness/guests.ts';
import { startTestHost, TestHost } from '../harness/host.ts';
import { makeAllOlder } from '../harness/older-artifacts.ts';
import { launchChromium } from './chromium.ts';
import { ConsolePage } from './console-page.ts';

test('what waits to be metered again is told, and what could not be, and why', async (t) => {
  t.timeout(120_000);
  const first = await startTestHost();
  t.teardown(() => first.dispose());
  const { dataDir } = first.config;
  await first.deploy('slow', await exampleComponent('tiny-wat'));
  await first.stop();
  await makeAllOlder(dataDir);
  const browser = await launchChromium();
  t.teardown(() => browser.close());
  const texts = {
    MAYFLY_REMETERING: ['0', '1 artifact of older releases left as they are'],
    MAYFLY_PUBLISH_TIMEOUT_MS: ['1', 'default/slow version 1 could not be metered again'],
  };
  for (const [setting, [value = '', text = '']] of Object.entries(texts)) {
    const env = { MAYFLY_PORT: '0', MAYFLY_DATA_DIR: dataDir, [setting]: value };
    const host = new TestHost(resolveConfig(env, dataDir));
    await host.start();
    try {
      const view = await ConsolePage.open(browser, { origin: host.origin, colours: 'dark', width: 360 });
      await view.signIn(host.running.adminKey.key);
      await view.untilText('.live p', text);
      t.deepEqual(await view.violations(), []);
      t.true((await view.overflowPx()) <= 0, 'the page scrolls sideways');
    } finally {
      await host.stop();
    }
  }
});
