import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SourceWatch } from '../../guest-sdk/cli/source-watch.ts';

async function project(t: ExecutionContext, files: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-watch-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['own/src', 'own/.mayfly', 'own/node_modules/zod', 'shared'])
    await mkdir(join(folder, name), { recursive: true });
  for (const name of ['own/package.json', ...files]) await writeFile(join(folder, name), '{}');
  return folder;
}

async function watching(t: ExecutionContext, file: string): Promise<SourceWatch> {
  const sources = new SourceWatch(file);
  t.teardown(() => sources[Symbol.asyncDispose]());
  await sources.ready();
  return sources;
}

function isPending(promise: Promise<void>): Promise<boolean> {
  const nothing = Symbol();
  return Promise.race([promise, Promise.resolve(nothing)]).then((first) => first === nothing);
}

test('what a build has read counts, wherever it lies; what lies beside it and what a build writes do not', async (t) => {
  const read = ['own/src/main.ts', 'own/src/prices.json', 'own/node_modules/zod/index.js', 'shared/tax.ts'];
  const folder = await project(t, read);
  const sources = await watching(t, join(folder, 'own/src/main.ts'));
  // Another one, to which all sources count, so that it says when changes have been seen.
  const witness = await watching(t, join(folder, 'own/src/main.ts'));
  const paths = new Set(read.map((name) => join(folder, name)));
  const complete = { paths, isComplete: true };
  const failed = { paths: new Set<string>(), isComplete: false };
  let changed = sources.changed(complete);
  for (const name of ['own/src/other.ts', 'own/src/answer.json', 'own/src/main.wat']) {
    const seen = witness.changed(failed);
    await writeFile(join(folder, name.replace(/\.\w+$/, '.wasm')), '');
    await writeFile(join(folder, name), '');
    await seen;
    t.true(await isPending(changed), name);
  }
  for (const name of [...read, 'own/package.json', 'own/tsconfig.json']) {
    await writeFile(join(folder, name), '{ }');
    await changed;
    changed = sources.changed(complete);
  }
  // One that is replaced, as some editors write, is watched on.
  for (const text of ['1', '2']) {
    await rm(join(folder, 'shared/tax.ts'));
    await writeFile(join(folder, 'shared/tax.ts'), text);
    await changed;
    changed = sources.changed(complete);
  }
});

test('after a build that failed every source of the project counts: the missing one may have come', async (t) => {
  const folder = await project(t, ['own/src/main.ts']);
  const sources = await watching(t, join(folder, 'own/src/main.ts'));
  const paths = new Set([join(folder, 'own/src/main.ts')]);
  const changed = sources.changed({ paths, isComplete: false });
  await writeFile(join(folder, 'own/src/missing.ts'), '');
  await changed;
  t.pass();
});

test('a project that is reached through a link, and a component that another tool makes, are followed', async (t) => {
  const folder = await project(t, ['own/src/main.ts', 'own/src/main.wasm']);
  await symlink(join(folder, 'own'), join(folder, 'link'));
  for (const name of ['main.ts', 'main.wasm']) {
    const sources = await watching(t, join(folder, 'link/src', name));
    const changed = sources.changed({ paths: new Set([join(folder, 'own/src', name)]), isComplete: true });
    await writeFile(join(folder, 'own/src', name), 'x');
    await changed;
  }
  t.pass();
});
