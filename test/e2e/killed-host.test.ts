/** `kill -9` while a version is being published: afterwards the old one serves or the new one, whole. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withNote } from '../harness/component-note.ts';
import { exampleComponent } from '../harness/guests.ts';
import type { Json } from '../harness/host.ts';
import { HostProcess } from '../harness/host-process.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { Random, seedOf } from '../instrument/random.ts';

/** Three seconds each; `KILL_ROUNDS` asks for more. */
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 5);
const ENV = { MAYFLY_EXAMPLES: '0', MAYFLY_THREADS: '1' };

const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

/** What is live, after checks that hold at any time. */
async function consistentState(
  t: ExecutionContext,
  host: HostProcess,
  dataDir: string,
  answers: ReadonlyMap<string, string>,
): Promise<{ digest: string; version: number }> {
  const { live, liveVersion } = (await host.api('/functions/f')).json;
  const versions: Json[] = (await host.api('/functions/f/versions')).json;
  t.deepEqual(
    versions.map(({ version, live }) => [version, live]),
    Array.from({ length: liveVersion }, (_, i) => [liveVersion - i, i === 0]),
    'versions are numbered without a gap, and the last one is live',
  );
  t.is(live.digest, versions[0].digest);
  const answer = await host.request('/fn/default/f/');
  t.is(answer.status, 200);
  t.true(answer.text === answers.get(live.digest), answer.text);
  for (const folder of ['staging', 'uploads']) t.deepEqual(await readdir(join(dataDir, folder)), []);
  const others: Json[] = (await host.api('/functions/other/versions')).json;
  const digests = new Set([...versions, ...others].map(({ digest }) => digest));
  t.is((await readdir(join(dataDir, 'artifacts'))).length, digests.size, 'an artifact for each upload');
  return { digest: live.digest, version: liveVersion };
}

test('a host that is killed while it publishes serves the old version or the new one, never neither', async (t) => {
  t.timeout(100_000 + 30_000 * ROUNDS);
  const seed = seedOf('KILL_SEED');
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-killed-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const components = await Promise.all(['tiny-wat', 'word-count-c'].map(exampleComponent));
  /** What each upload answers, by its digest. */
  const answers = new Map<string, string>();
  const texts: string[] = [];

  await using hosts = new AsyncDisposableStack();
  let host = hosts.use(await HostProcess.ready(dataDir, ENV));
  let publishMs = 0;
  for (const component of components) {
    await host.upload('other', withNote(component, 'first'));
    const startMs = performance.now();
    const { json } = await host.upload('f', component);
    publishMs = performance.now() - startMs;
    const { text } = await host.request('/fn/default/f/');
    answers.set(json.digest, text);
    texts.push(text);
  }
  t.not(texts[0], texts[1]);
  let before = await consistentState(t, host, dataDir, answers);

  for (let round = 0; round < ROUNDS; round++) {
    const component = withNote(components[round % 2]!, `round ${round}`);
    const digest = `sha256:${createHash('sha256').update(component).digest('hex')}`;
    answers.set(digest, texts[round % 2]!);
    // So that the moments spread over the publishing, not over the start of its process.
    await host.upload('other', withNote(components[0]!, `warm ${round}`));
    const delayMs = (random.below(1_000) / 1_000) * 1.5 * publishMs;
    const publishing = host.upload('f', component).then(
      ({ status }) => status,
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    host.kill('SIGKILL');
    await host.exit;
    const status = await publishing;

    host = hosts.use(await HostProcess.ready(dataDir, ENV));
    const after = await consistentState(t, host, dataDir, answers);
    const isNew = after.digest === digest;
    t.log(
      `killed after ${delayMs.toFixed(1)} ms: replied ${status ?? 'nothing'}, ${isNew ? 'new' : 'old'} version`,
    );
    if (status !== undefined) t.deepEqual([status, isNew], [201, true], 'what was acknowledged is live');
    t.deepEqual(after, isNew ? { digest, version: before.version + 1 } : before);
    before = after;
  }
});
