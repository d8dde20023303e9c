import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { PublishProgress } from '../../host/model/publish-progress.ts';
import { artifactKey } from '../../host/publish/artifact-key.ts';
import type { PublishJob } from '../../host/publish/publisher.ts';
import { runGlue } from '../compiler/glue-runner.ts';
import {
  httpAndRunComponent,
  httpReactor,
  javaScriptGuest,
  runComponent,
  tupleComponent,
  twoVersionsComponent,
} from '../compiler/guests.ts';
import { cCommand } from '../harness/guests.ts';
import { digestOf, outcomeOf, UploadFixture } from './upload-fixture.ts';

const MiB = 1024 * 1024;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.serial(
  'each step is told when it begins and when it is over, and what waits is told that it does',
  async (t) => {
    const fixture = await UploadFixture.create(t);
    const heard: PublishProgress[] = [];
    const held = await fixture.held(await runComponent('(memory 1)'));
    const first = outcomeOf(fixture.publisher.publish(held.job));
    await held.opened;
    const job = await fixture.job(await runComponent());
    const second = fixture.publisher.publish({ ...job, onProgress: (progress) => heard.push(progress) });
    await held.deliver();
    t.is(await first, 'published');
    const { steps } = await second;
    const begun = heard.filter(({ ms }) => ms === undefined).map(({ step }) => step);
    t.deepEqual([...new Set(begun)], ['wait', ...steps.map(({ name }) => name)]);
    // The last word on each step is what is kept of it.
    for (const { name, ms } of steps) t.is(heard.findLast(({ step }) => step === name)?.ms, ms, name);
    t.true(
      heard.findIndex(({ step, ms }) => step === 'wait' && ms !== undefined) <
        heard.findIndex(({ step }) => step === 'check'),
    );
  },
);

test.serial('a published component runs from what lies on disk', async (t) => {
  const fixture = await UploadFixture.create(t);
  const { publisher, artifacts } = fixture;
  const bytes = await twoVersionsComponent();
  const published = await publisher.publish(await fixture.job(bytes));
  t.true(published.created);
  t.deepEqual(
    published.steps.map((step) => step.name),
    ['check', 'transpile', 'instrument', 'compile', 'store'],
  );
  const { manifest } = published;
  t.deepEqual(await artifacts.readManifest(published.artifactKey), manifest);
  t.is(manifest.upload, 'component');
  t.is(manifest.digest, digestOf(bytes));
  t.deepEqual(manifest.imports, ['wasi:random/random@0.2.3', 'wasi:random/random@0.3.0']);

  const folder = artifacts.folder(published.artifactKey);
  t.deepEqual(await readFile(join(folder, 'upload.wasm')), Buffer.from(bytes));
  const modules = new Map<string, Uint8Array>();
  for (const { name, bytes: size } of manifest.modules) {
    const module = await readFile(join(folder, name));
    t.is(module.length, size);
    modules.set(name, module);
  }
  const guest = await runGlue(await readFile(join(folder, 'glue.js'), 'utf8'), modules, {
    'wasi:random/random': { getRandomU64: () => 2n },
    'wasi:random/random@0.3': { getRandomU64: () => 3n },
  });
  await guest.exports[manifest.exportKey]!.run();
  t.true(guest.fuelUsed() > 0n);
});

test.serial('guests of real toolchains are published', async (t) => {
  const fixture = await UploadFixture.create(t);
  const c = await cCommand('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }');
  const command = await fixture.publisher.publish(await fixture.job(c));
  t.is(command.manifest.upload, 'wasip1-command');
  t.is(command.manifest.handler, 'wasi:cli/run@0.2');
  t.true(command.steps.some((step) => step.name === 'componentize'));

  const reactor = await fixture.publisher.publish(await fixture.job(await httpReactor()));
  t.is(reactor.manifest.upload, 'wasip1-reactor');
  t.is(reactor.manifest.world, 'wasi:http/incoming-handler@0.2.3');

  const script = await javaScriptGuest(`export const handler = { async handle(request) { throw 'no'; } };`);
  const javaScript = await fixture.publisher.publish(await fixture.job(script));
  t.is(javaScript.manifest.handler, 'wasi:http/handler@0.3');
  t.true(javaScript.manifest.modules.some((module) => module.initialMemoryBytes > 0));
});

test.serial('the same upload is compiled once, another wish for a handler is another artifact', async (t) => {
  const fixture = await UploadFixture.create(t);
  const bytes = await httpAndRunComponent();
  const [first, second] = await Promise.all([
    fixture.publisher.publish(await fixture.job(bytes)),
    fixture.publisher.publish(await fixture.job(bytes)),
  ]);
  t.true(first.created);
  t.false(second.created);
  t.deepEqual(second.steps, []);
  t.deepEqual(second.manifest, first.manifest);
  const pid = fixture.publisher.pid;
  const command = await fixture.publisher.publish(await fixture.job(bytes, { handler: 'wasi:cli/run@0.2' }));
  t.not(command.artifactKey, first.artifactKey);
  t.is(command.manifest.world, 'wasi:cli/run@0.2.3');
  t.is(fixture.publisher.pid, pid, 'the process is kept');
});

test.serial('publishing again mends a damaged artifact', async (t) => {
  const fixture = await UploadFixture.create(t);
  const job = await fixture.job(await runComponent());
  const { artifactKey: key, manifest } = await fixture.publisher.publish(job);
  await rm(join(fixture.artifacts.folder(key), manifest.modules[0]!.name));
  t.is(await fixture.artifacts.findWhole(key), undefined);
  t.true((await fixture.publisher.publish(job)).created);
  t.deepEqual(await fixture.artifacts.findWhole(key), manifest);
});

test.serial('an artifact that came whole while the same was being made stays where it is', async (t) => {
  const [fixture, other] = [await UploadFixture.create(t), await UploadFixture.create(t)];
  const bytes = await runComponent();
  const { artifactKey: key } = await other.publisher.publish(await other.job(bytes));
  const held = await fixture.held(bytes);
  const publishing = fixture.publisher.publish(held.job);
  await held.opened;
  const folder = fixture.artifacts.folder(key);
  await cp(other.artifacts.folder(key), folder, { recursive: true });
  const { ino } = await stat(folder);
  await held.deliver();
  t.false((await publishing).created);
  t.is((await stat(folder)).ino, ino);
  t.deepEqual(await fixture.leftovers(), [key]);
});

test.serial('an artifact is addressed by the upload, not by what it became', (t) => {
  const one = digestOf(Uint8Array.from([1]));
  const other = digestOf(Uint8Array.from([2]));
  t.not(artifactKey(one, undefined), artifactKey(other, undefined));
  t.not(artifactKey(one, undefined), artifactKey(one, 'wasi:cli/run@0.2'));
  t.is(artifactKey(one, undefined), artifactKey(one, undefined));
});

test.serial('an upload that is not what its digest says is not published', async (t) => {
  const fixture = await UploadFixture.create(t);
  const job = await fixture.job(await runComponent(), { digest: digestOf(Uint8Array.from([1])) });
  t.is(await outcomeOf(fixture.publisher.publish(job)), 'internal_error');
  t.deepEqual(await fixture.leftovers(), []);
});

test.serial(
  'memory that the function may not have is refused, also of an artifact that exists',
  async (t) => {
    const fixture = await UploadFixture.create(t);
    const bytes = await runComponent('(memory 100)');
    const small = { memoryBytes: 99 * 65_536 };
    t.is(
      await outcomeOf(fixture.publisher.publish(await fixture.job(bytes, small))),
      'component_memory_too_large',
    );
    t.deepEqual(await fixture.leftovers(), []);
    t.is(
      await outcomeOf(fixture.publisher.publish(await fixture.job(bytes, { memoryBytes: 100 * 65_536 }))),
      'published',
    );
    t.is(
      await outcomeOf(fixture.publisher.publish(await fixture.job(bytes, small))),
      'component_memory_too_large',
    );
  },
);

test.serial(
  'a process killed amid a job fails that job alone, and the next one gets a fresh process',
  async (t) => {
    const fixture = await UploadFixture.create(t);
    const held = await fixture.held(await runComponent('(memory 1)'));
    const first = outcomeOf(fixture.publisher.publish(held.job));
    const next = outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent())));
    const handle = await held.opened;
    const pid = fixture.publisher.pid!;
    process.kill(pid, 'SIGKILL');
    t.is(await first, 'internal_error');
    await handle.close();
    t.is(await next, 'published');
    t.not(fixture.publisher.pid, pid);
    t.is((await fixture.leftovers()).length, 1);
  },
);

test.serial('a job that takes too long is broken off, and the next one works', async (t) => {
  const fixture = await UploadFixture.create(t);
  const held = await fixture.held(await runComponent());
  fixture.timeoutMs = 1_000;
  const outcome = await outcomeOf(fixture.publisher.publish(held.job));
  // A pipe is open once both ends are, and the process may have died before it opened its own.
  for (const end of await Promise.all([held.opened, open(held.job.uploadPath)])) await end.close();
  t.is(outcome, 'publish_timed_out');
  t.deepEqual(await fixture.leftovers(), []);
  // Time for a new process on a busy machine.
  fixture.timeoutMs = 60_000;
  t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent()))), 'published');
});

test.serial('a job that needs too much memory ends with its process', async (t) => {
  const fixture = await UploadFixture.create(t, { memoryBytes: 48 * MiB });
  const job = await fixture.job(await runComponent());
  t.is(await outcomeOf(fixture.publisher.publish(job)), 'publish_out_of_memory');
  t.deepEqual(await fixture.leftovers(), []);
});

test.serial('memory that a tool takes while it answers nobody is bounded too', async (t) => {
  const fixture = await UploadFixture.create(t, { memoryBytes: 320 * MiB });
  t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent()))), 'published');
  const glueBomb = await tupleComponent(5, 8);
  t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(glueBomb))), 'publish_out_of_memory');
  t.is(
    await outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent('(memory 1)')))),
    'published',
  );
  t.is((await fixture.leftovers()).length, 2);
});

test.serial('more uploads than may wait are told to come back', async (t) => {
  const fixture = await UploadFixture.create(t, { queue: 1 });
  const held = await fixture.held(await runComponent('(memory 1)'));
  const first = outcomeOf(fixture.publisher.publish(held.job));
  await held.opened;
  const second = outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent())));
  const third = outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent('(memory 2)'))));
  t.is(await third, 'publish_busy');
  await held.deliver();
  t.deepEqual([await first, await second], ['published', 'published']);
});

test.serial('what is published again comes behind all uploads, and takes no place of theirs', async (t) => {
  const fixture = await UploadFixture.create(t, { queue: 1 });
  const { publisher } = fixture;
  const job = async (pages: number): Promise<PublishJob> =>
    fixture.job(await runComponent(`(memory ${pages})`));
  const order: string[] = [];
  const noting = async (name: string, publishing: Promise<unknown>): Promise<void> => {
    order.push(`${name} ${await outcomeOf(publishing)}`);
  };
  const held = await fixture.held(await runComponent('(memory 1)'));
  const running = noting('again 1', publisher.publishAgain(held.job));
  await held.opened;
  const again = noting('again 2', publisher.publishAgain(await job(2)));
  // As many as without it: one that would run, and one that waits.
  const uploads = [
    noting('upload 3', publisher.publish(await job(3))),
    noting('upload 4', publisher.publish(await job(4))),
  ];
  const refused = noting('upload 5', publisher.publish(await job(5)));
  await refused;
  await held.deliver();
  await Promise.all([running, again, ...uploads]);
  t.deepEqual(order, [
    'upload 5 publish_busy',
    'again 1 published',
    'upload 3 published',
    'upload 4 published',
    'again 2 published',
  ]);
});

test.serial('closing breaks off what runs, refuses what waits and ends the process', async (t) => {
  const fixture = await UploadFixture.create(t);
  const held = await fixture.held(await runComponent());
  const first = outcomeOf(fixture.publisher.publish(held.job));
  const handle = await held.opened;
  const second = outcomeOf(fixture.publisher.publish(await fixture.job(await httpAndRunComponent())));
  const again = outcomeOf(fixture.publisher.publishAgain(await fixture.job(await tupleComponent(1, 1))));
  // Once it has looked for what is there.
  while (fixture.publisher.queued === 0) await new Promise((resolve) => setImmediate(resolve));
  const pid = fixture.publisher.pid!;
  await fixture.publisher.close();
  await handle.close();
  t.deepEqual([await first, await second, await again], ['draining', 'draining', 'draining']);
  t.false(isAlive(pid));
  t.deepEqual(await fixture.leftovers(), []);
  t.is(await outcomeOf(fixture.publisher.publish(await fixture.job(await runComponent()))), 'draining');
});

test.serial('the publishing process does not outlive its host', async (t) => {
  const fixture = await UploadFixture.create(t);
  const held = await fixture.held(await runComponent());
  const url = (path: string): string => JSON.stringify(new URL(`../../host/${path}`, import.meta.url).href);
  const script = `
    import { Publisher } from ${url('publish/publisher.ts')};
    import { ArtifactStore } from ${url('store/artifacts.ts')};
    const artifacts = new ArtifactStore(${JSON.stringify(fixture.dataDir)});
    new Publisher({ artifacts, timeoutMs: 60_000, memoryBytes: 2 ** 31, queue: 1 }).publish(${JSON.stringify(held.job)});`;
  const host = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const handle = await held.opened;
  host.kill('SIGKILL');
  // The publishing process holds the other end of standard error: the stream ends when both are gone.
  host.stderr.resume();
  await once(host.stderr, 'close');
  await handle.close();
  t.pass();
});
