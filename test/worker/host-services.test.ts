import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ArtifactStore } from '../../host/store/artifacts.ts';
import { createHostServices } from '../../host/worker/host-services.ts';

test('the operator is told once why an artifact cannot be loaded, however often it is called', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-services-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const said: string[] = [];
  const services = createHostServices({
    artifacts: new ArtifactStore(folder),
    report: (message: string, error: unknown) => said.push(`${message}: ${error}`),
  } as never);
  const key = '0'.repeat(64);
  for (let call = 0; call < 3; call++)
    await t.throwsAsync(services.artifact({ key }), { code: 'artifact_unavailable' });
  t.is(said.length, 1);
  t.regex(said[0]!, new RegExp(`artifacts/${key} could not be loaded: Error: ENOENT`));
});
