/** What an older pipeline made is made again: in which order, what stays, and what is told of what cannot be. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { HandlerKind } from '../../host/model/artifact.ts';
import { asFunctionName, asTenantName } from '../../host/model/ids.ts';
import { artifactKey, PIPELINE_VERSION } from '../../host/publish/artifact-key.ts';
import type { PublishJob } from '../../host/publish/publisher.ts';
import { Remetering, type RemeteringPorts } from '../../host/publish/remetering.ts';
import { Registry } from '../../host/store/registry.ts';
import { httpAndRunComponent, runComponent } from '../compiler/guests.ts';
import { changeManifest, makeOlder } from '../harness/older-artifacts.ts';
import { digestOf, UploadFixture } from './upload-fixture.ts';

class Upgraded {
  readonly fixture: UploadFixture;
  readonly registry: Registry;
  readonly reports: string[] = [];
  /** Uploads that were published again, as they were begun. */
  readonly made: PublishJob[] = [];
  readonly superseded: string[] = [];
  #published = 0;

  constructor(fixture: UploadFixture) {
    this.fixture = fixture;
    this.registry = new Registry({ path: join(fixture.dataDir, 'registry.db') });
  }

  static async create(t: ExecutionContext): Promise<Upgraded> {
    const upgraded = new Upgraded(await UploadFixture.create(t));
    t.teardown(() => upgraded.registry.close());
    return upgraded;
  }

  /** Publishes a version. `isOlder`: as an older pipeline would have. */
  async publish(
    id: string,
    bytes: Uint8Array,
    { isOlder = true, handler }: PublishOptions = {},
  ): Promise<string> {
    const { artifacts, publisher } = this.fixture;
    const [tenant, name] = [asTenantName(id.split('/')[0]!)!, asFunctionName(id.split('/')[1]!)!];
    const published = await publisher.publish(await this.fixture.job(bytes, handler && { handler }));
    const { manifest, steps } = published;
    const key = isOlder ? await makeOlder(artifacts, published.artifactKey) : published.artifactKey;
    this.registry.tenants.ensure(tenant, {}, 0);
    const { digest, sizes, world } = manifest;
    this.registry.functions.publish(
      {
        tenant,
        name,
        artifactKey: key,
        digest,
        handler: manifest.handler,
        world,
        sizes,
        steps,
        nowMs: this.#published++,
      },
      { functionsPerTenant: 10 },
    );
    return key;
  }

  remetering(ports: Partial<RemeteringPorts> = {}): Remetering {
    const { registry, fixture } = this;
    return new Remetering({
      isWanted: true,
      artifacts: fixture.artifacts,
      publisher: {
        publishAgain: (job) => {
          this.made.push(job);
          return fixture.publisher.publishAgain(job);
        },
      },
      inUse: () => registry.versionArtifacts.list(),
      tenantsOf: (key) => registry.functions.tenantsOf(key),
      versionsOf: (key) => registry.versionArtifacts.versionsOf(key),
      replace: (tenant, from, to) => registry.versionArtifacts.replace(tenant, from, to, 7),
      superseded: (key) => this.superseded.push(key),
      durable: () => registry.durable(),
      keepingAll: (work) => work(),
      nowMs: () => 7,
      report: (message) => this.reports.push(message),
      ...ports,
    });
  }

  /** Until there is nothing left to do. */
  async done(remetering: Remetering): Promise<void> {
    remetering.start();
    await idle(remetering);
  }

  versions(id: string): { readonly version: number; readonly artifactKey: string }[] {
    const [tenant, name] = id.split('/');
    return this.registry.functions
      .versions(asTenantName(tenant!)!, asFunctionName(name!)!)
      .map(({ version, artifactKey: key }) => ({ version, artifactKey: key }));
  }
}

async function idle(remetering: Remetering): Promise<void> {
  while (remetering.status.waiting > 0) await new Promise((resolve) => setImmediate(resolve));
}

interface PublishOptions {
  readonly isOlder?: boolean;
  readonly handler?: HandlerKind;
}

const keyOf = (bytes: Uint8Array): string => artifactKey(digestOf(bytes), undefined);

test.serial(
  'a version keeps its number, digest and handler, and runs on what today makes of its upload',
  async (t) => {
    const upgraded = await Upgraded.create(t);
    const { registry, fixture } = upgraded;
    const [first, second] = [await runComponent('(memory 1)'), await runComponent('(memory 2)')];
    const older = [await upgraded.publish('acme/hello', first), await upgraded.publish('acme/hello', second)];
    const before = registry.functions.versions(asTenantName('acme')!, asFunctionName('hello')!);
    const remetering = upgraded.remetering();
    await upgraded.done(remetering);
    t.like(remetering.status, { waiting: 0, done: 2, failed: [] });
    const after = registry.functions.versions(asTenantName('acme')!, asFunctionName('hello')!);
    t.deepEqual(
      after,
      before.map((version, i) => ({ ...version, artifactKey: keyOf([second, first][i]!) })),
    );
    for (const { artifactKey: key } of after)
      t.is((await fixture.artifacts.findWhole(key))?.pipelineVersion, PIPELINE_VERSION);
    t.deepEqual([...upgraded.superseded].sort(), [...older].sort());
    const entries = registry.audit.list({ limit: 2 });
    t.like(entries[0], {
      action: 'function.remeter',
      actor: { kind: 'host' },
      target: 'hello',
      before: { version: 1, artifact: older[0] },
      after: { version: 1, artifact: keyOf(first) },
    });
    // As if it had been published today: to publish it again changes nothing.
    t.is((await upgraded.fixture.publisher.publish(await fixture.job(first))).created, false);
    await upgraded.publish('acme/hello', first, { isOlder: false });
    t.is(registry.functions.find(asTenantName('acme')!, asFunctionName('hello')!)?.liveVersion, 1);
    // Another start finds nothing to do.
    const next = upgraded.remetering();
    await upgraded.done(next);
    t.like(next.status, { waiting: 0, done: 0 });
  },
);

test.serial('tenants take turns, and what is live comes before what was', async (t) => {
  const upgraded = await Upgraded.create(t);
  const uploads = await Promise.all([1, 2, 3, 4].map((pages) => runComponent(`(memory ${pages})`)));
  const names = new Map(uploads.map((bytes, i) => [digestOf(bytes) as string, `upload ${i + 1}`]));
  await upgraded.publish('other/one', uploads[3]!);
  await upgraded.publish('many/one', uploads[0]!);
  await upgraded.publish('many/one', uploads[1]!);
  await upgraded.publish('many/two', uploads[2]!);
  await upgraded.done(upgraded.remetering());
  const order = upgraded.made.map(({ digest }) => names.get(digest));
  t.deepEqual(order, ['upload 3', 'upload 4', 'upload 2', 'upload 1']);
});

test.serial('an artifact that several functions run on is made once', async (t) => {
  const upgraded = await Upgraded.create(t);
  const bytes = await runComponent();
  const key = await upgraded.publish('acme/hello', bytes);
  const { registry } = upgraded;
  const { digest, handler, sizes, world, steps } = registry.functions.versions(
    asTenantName('acme')!,
    asFunctionName('hello')!,
  )[0]!;
  const [tenant, name] = [asTenantName('other')!, asFunctionName('copy')!];
  registry.tenants.ensure(tenant, {}, 0);
  const publication = { tenant, name, artifactKey: key, digest, handler, world, sizes, steps, nowMs: 0 };
  registry.functions.publish(publication, { functionsPerTenant: 1 });
  const replaced: string[] = [];
  registry.versionArtifacts.onReplaced((...id) => replaced.push(id.join('/')));
  await upgraded.done(upgraded.remetering());
  t.is(upgraded.made.length, 1);
  t.deepEqual(replaced.sort(), ['acme/hello', 'other/copy']);
  for (const id of ['acme/hello', 'other/copy']) t.is(upgraded.versions(id)[0]?.artifactKey, keyOf(bytes));
});

test.serial(
  'an upload that was published before the upgrade and behind it is two versions on one artifact',
  async (t) => {
    const upgraded = await Upgraded.create(t);
    const bytes = await runComponent();
    await upgraded.publish('acme/hello', bytes);
    await upgraded.publish('acme/hello', bytes, { isOlder: false });
    await upgraded.done(upgraded.remetering());
    t.deepEqual(upgraded.versions('acme/hello'), [
      { version: 2, artifactKey: keyOf(bytes) },
      { version: 1, artifactKey: keyOf(bytes) },
    ]);
    t.is(upgraded.made.length, 1);
    const [tenant, name] = [asTenantName('acme')!, asFunctionName('hello')!];
    upgraded.registry.functions.setLive(tenant, name, 1, 9);
    await upgraded.publish('acme/hello', bytes, { isOlder: false });
    t.is(upgraded.registry.functions.find(tenant, name)?.liveVersion, 2);
  },
);

test.serial('a handler that was asked for is asked for again', async (t) => {
  const upgraded = await Upgraded.create(t);
  const bytes = await httpAndRunComponent();
  const handler = 'wasi:cli/run@0.2';
  await upgraded.publish('acme/hello', bytes, { handler });
  await upgraded.done(upgraded.remetering());
  const [version] = upgraded.versions('acme/hello');
  t.is(version?.artifactKey, artifactKey(digestOf(bytes), handler));
  t.is((await upgraded.fixture.artifacts.readManifest(version!.artifactKey)).handler, handler);
});

test.serial(
  'what cannot be made again stays as it is, is named with its reason, and is tried again when asked for',
  async (t) => {
    const upgraded = await Upgraded.create(t);
    const { artifacts } = upgraded.fixture;
    const [large, damaged, other] = [
      await runComponent('(memory 2)'),
      await runComponent('(memory 1)'),
      await runComponent(),
    ];
    const keys = [
      await upgraded.publish('acme/large', large),
      await upgraded.publish('acme/damaged', damaged),
      await upgraded.publish('acme/other', other),
    ];
    // As if it had been let in with less memory than it starts with today.
    await changeManifest(artifacts, keys[0]!, (manifest) => ({ ...manifest, modules: [] }));
    const upload = join(artifacts.folder(keys[1]!), 'upload.wasm');
    const kept = await readFile(upload);
    await writeFile(upload, kept.subarray(1));
    const remetering = upgraded.remetering();
    await upgraded.done(remetering);
    const failures = (): unknown[] =>
      remetering.status.failed
        .map(({ code, versions }) => [code, versions.map(({ name, isLive }) => [name, isLive])])
        .sort();
    t.deepEqual(failures(), [
      ['component_memory_too_large', [['large', true]]],
      ['internal_error', [['damaged', true]]],
    ]);
    t.is(remetering.status.done, 1);
    t.deepEqual(upgraded.versions('acme/large'), [{ version: 1, artifactKey: keys[0]! }]);
    t.deepEqual(upgraded.superseded, [keys[2]!]);
    const told = upgraded.reports.join('\n');
    t.regex(
      told,
      /acme\/large version 1 could not .*mayfly remetering retry.*: component_memory_too_large: /,
    );
    t.regex(told, /acme\/damaged version 1 could not .* the upload does not have the digest/);
    t.regex(told, /metered again: 1 artifact, in .*; 2 could not be/);

    await writeFile(upload, kept);
    t.is(remetering.retry().waiting, 2);
    await idle(remetering);
    t.deepEqual(failures(), [['component_memory_too_large', [['large', true]]]]);
    t.is(upgraded.versions('acme/damaged')[0]?.artifactKey, keyOf(damaged));
    // Whose function is gone is nobody's concern.
    upgraded.registry.functions.remove(asTenantName('acme')!, asFunctionName('large')!);
    t.deepEqual(failures(), []);
  },
);

test.serial('what a newer pipeline made stays, and what is not wanted is not done', async (t) => {
  const upgraded = await Upgraded.create(t);
  const bytes = await runComponent();
  const key = await upgraded.publish('acme/hello', bytes);
  const unwanted = upgraded.remetering({ isWanted: false });
  unwanted.start();
  while (upgraded.reports.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.like(unwanted.status, { isWanted: false, waiting: 1, done: 0 });
  t.is(unwanted.retry().waiting, 1);
  t.regex(upgraded.reports.join(), /MAYFLY_REMETERING is 0: 1 artifact/);
  await changeManifest(upgraded.fixture.artifacts, key, (manifest) => ({
    ...manifest,
    pipelineVersion: PIPELINE_VERSION + 1,
  }));
  const remetering = upgraded.remetering();
  await upgraded.done(remetering);
  t.like(remetering.status, { waiting: 0, done: 0, failed: [] });
  t.deepEqual(upgraded.versions('acme/hello'), [{ version: 1, artifactKey: key }]);
  t.is(upgraded.made.length, 0);
});

test.serial(
  'an artifact that was made before the host was killed is taken, and none is given up before that is on the disk',
  async (t) => {
    const upgraded = await Upgraded.create(t);
    const bytes = await runComponent();
    const key = await upgraded.publish('acme/hello', bytes);
    const { publisher } = upgraded.fixture;
    await publisher.publish(await upgraded.fixture.job(bytes));
    await rm(join(upgraded.fixture.artifacts.folder(key), 'upload.wasm'));
    const order: string[] = [];
    const remetering = upgraded.remetering({
      keepingAll: async (work) => {
        const result = await work();
        order.push('may be removed');
        return result;
      },
      superseded: () => order.push('superseded'),
      durable: async () => {
        await upgraded.registry.durable();
        order.push('durable');
      },
    });
    await upgraded.done(remetering);
    t.is(remetering.status.done, 1);
    t.deepEqual(order, ['superseded', 'durable', 'may be removed']);
  },
);

test.serial('a host that stops leaves the rest to the next one, and blames nobody', async (t) => {
  const upgraded = await Upgraded.create(t);
  const keys = [
    await upgraded.publish('acme/one', await runComponent('(memory 1)')),
    await upgraded.publish('acme/two', await runComponent('(memory 2)')),
  ];
  const begun = Promise.withResolvers<void>();
  const remetering = upgraded.remetering({
    publisher: {
      publishAgain: () => {
        begun.resolve();
        return upgraded.fixture.publisher.close().then(() => {
          throw new MayflyError('draining', 'The host is shutting down.');
        });
      },
    },
  });
  remetering.start();
  await begun.promise;
  await remetering.stop();
  t.deepEqual(remetering.status.failed, []);
  t.deepEqual(
    ['one', 'two'].map((name) => upgraded.versions(`acme/${name}`)[0]?.artifactKey),
    keys,
  );
  t.is(upgraded.reports.length, 1, upgraded.reports.join('\n'));
});
