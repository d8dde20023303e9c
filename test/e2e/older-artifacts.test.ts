/** A host whose data folder has what an older release published. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { ArtifactStore } from '../../host/store/artifacts.ts';
import { exampleComponent } from '../harness/guests.ts';
import { type TestHost, testHost } from '../harness/host.ts';
import { offeredComponent } from '../harness/offered-component.ts';

const OLDER = '0'.repeat(64);

/** Puts the one artifact where another pipeline would have, while the host is down. */
async function makeOlder({ config }: TestHost): Promise<string> {
  const artifacts = new ArtifactStore(config.dataDir);
  const [key] = await artifacts.keys();
  await rename(artifacts.folder(key!), artifacts.folder(OLDER));
  const registry = new DatabaseSync(join(config.dataDir, 'registry.db'));
  registry.exec(`UPDATE versions SET artifact_key = '${OLDER}'`);
  registry.close();
  return artifacts.folder(OLDER);
}

for (const isolation of ['shared', 'process']) {
  test.serial(
    `what an older release published answers, or says what it no longer passes: ${isolation}`,
    async (t) => {
      const host = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_REMETERING: '0' } });
      const settings = await host.request('/v1/tenants/default/settings', {
        method: 'PATCH',
        headers: { authorization: `Bearer ${host.running.adminKey.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ isolation }),
      });
      t.is(settings.status, 200, settings.text);
      await host.deploy('older', await exampleComponent('tiny-wat'));
      await host.stop();
      const folder = await makeOlder(host);
      await host.start();
      t.is((await host.call('older')).status, 200);

      await host.stop();
      const other = await offeredComponent((wit) => wit.replace('now: func() -> instant', 'now: func()'));
      await writeFile(join(folder, 'upload.wasm'), other);
      await host.start();
      const { status, text } = await host.call('older');
      t.is(status, 502, text);
      const { code, detail } = JSON.parse(text);
      t.is(code, 'artifact_refused');
      t.regex(detail, /imports now of wasi:clocks\/monotonic-clock/);
    },
  );
}
