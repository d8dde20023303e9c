import test from 'ava';
import { FILESYSTEM_TYPES_IMPORTS } from '../../../host/wasi/filesystem/imports.ts';
import { MAX_NODES } from '../../../host/wasi/filesystem/tree.ts';
import type { IoError } from '../../../host/wasi/io/error.ts';
import { Handles } from '../../../host/wasi/io/handles.ts';
import { ResultError } from '../../../host/wasi/io/result-error.ts';
import { attempt, listDirectory, openForWriting, openRoot, readFile, writeFile } from './open-root.ts';

test('the root holds nothing but /tmp, and is read-only', (t) => {
  const { root } = openRoot();
  t.deepEqual(listDirectory(root, '.'), ['tmp']);
  t.is(
    attempt(() => root.createDirectoryAt('x')),
    'read-only',
  );
  t.is(
    attempt(() => openForWriting(root, 'x')),
    'read-only',
  );
  t.is(
    attempt(() => root.removeDirectoryAt('tmp')),
    'read-only',
  );
  t.is(
    attempt(() => root.renameAt('tmp', root, 'other')),
    'read-only',
  );
  t.is(
    attempt(() => root.symlinkAt('tmp', 'link')),
    'read-only',
  );
  t.is(
    attempt(() => root.setTimesAt({}, '.', { tag: 'now' }, { tag: 'now' })),
    'read-only',
  );
  writeFile(root, 'tmp/a', 'x');
  t.is(
    attempt(() => root.linkAt({}, 'tmp/a', root, 'b')),
    'read-only',
  );
  t.is(
    attempt(() => root.renameAt('tmp/a', root, 'b')),
    'read-only',
  );
  t.is(readFile(root, 'tmp/a'), 'x');
});

test('no path leads out of the directory it starts from', (t) => {
  const { root } = openRoot();
  root.createDirectoryAt('tmp/in');
  writeFile(root, 'tmp/secret', 'x');
  const inside = root.openAt({}, 'tmp/in', { directory: true }, { read: true });
  for (const path of [
    '..',
    '../secret',
    './../secret',
    'x/../../secret',
    '/tmp/secret',
    '/',
    '../in/../secret',
  ]) {
    t.true(['not-permitted', 'no-entry'].includes(attempt(() => inside.statAt({}, path)) as string), path);
  }
  t.is(
    attempt(() => inside.statAt({}, '../secret')),
    'not-permitted',
  );
  t.is(
    attempt(() => inside.statAt({}, '/tmp/secret')),
    'not-permitted',
  );
  inside.symlinkAt('../secret', 'escape');
  t.is(
    attempt(() => inside.statAt({ symlinkFollow: true }, 'escape')),
    'not-permitted',
  );
  t.is(
    attempt(() => inside.symlinkAt('/tmp/secret', 'absolute')),
    'not-permitted',
  );
  t.is(
    attempt(() => root.statAt({}, '..')),
    'not-permitted',
  );
  t.is(readFile(root, 'tmp/in/../in/escape'), 'x', 'from the root the same link stays inside');
});

test('symlinks are followed in the middle always, at the end when asked, and never for ever', (t) => {
  const { root } = openRoot();
  root.createDirectoryAt('tmp/d');
  writeFile(root, 'tmp/d/f', 'x');
  root.symlinkAt('d', 'tmp/l');
  root.symlinkAt('l/f', 'tmp/ll');
  root.symlinkAt('loop', 'tmp/loop');
  t.is(readFile(root, 'tmp/l/f'), 'x');
  t.is(readFile(root, 'tmp/ll'), 'x');
  t.is((root.statAt({}, 'tmp/ll') as { type: string }).type, 'symbolic-link');
  t.is((root.statAt({ symlinkFollow: true }, 'tmp/l') as { type: string }).type, 'directory');
  t.is((root.statAt({}, 'tmp/l/') as { type: string }).type, 'directory', 'a slash at the end follows');
  t.is(root.readlinkAt('tmp/l'), 'd');
  t.is(
    attempt(() => root.readlinkAt('tmp/d')),
    'invalid',
  );
  t.is(
    attempt(() => root.openAt({}, 'tmp/ll', {}, { read: true })),
    'loop',
  );
  t.is(
    attempt(() => root.statAt({ symlinkFollow: true }, 'tmp/loop')),
    'loop',
  );
  t.is(
    attempt(() => root.statAt({}, 'tmp/loop/x')),
    'loop',
  );
  root.symlinkAt('made', 'tmp/dangling');
  writeFile(root, 'tmp/dangling', 'through');
  t.is(readFile(root, 'tmp/made'), 'through');
  const multiplied = Array.from({ length: 1300 }, () => 'x').join('/../');
  root.symlinkAt(`${'./'.repeat(1800)}y`, 'tmp/x');
  root.symlinkAt(`${'./'.repeat(1800)}x`, 'tmp/y');
  t.true(
    ['loop', 'name-too-long'].includes(
      attempt(() => root.statAt({}, `tmp/${multiplied.slice(0, 4000)}`)) as string,
    ),
  );
});

test('a walk goes through 512 parts at most, those of symlinks among them, and empty ones are none', (t) => {
  const { root } = openRoot();
  root.createDirectoryAt('tmp/d');
  // Each of 300 parts, the next one's name among them.
  for (const [name, next] of ['b', 'c', 'd'].map((to, i) => ['abc'[i]!, to]))
    root.symlinkAt(`${'./'.repeat(299)}${next}`, `tmp/${name}`);
  const typeAt = (path: string): unknown =>
    attempt(() => (root.statAt({ symlinkFollow: true }, path) as { type: string }).type);
  t.is(typeAt('tmp/c'), 'directory');
  t.is(typeAt(`${'./'.repeat(210)}tmp/c${'/'.repeat(3000)}`), 'directory', '512 parts');
  t.is(typeAt(`${'./'.repeat(211)}tmp/c`), 'name-too-long', '513 parts');
  t.is(typeAt('tmp/b'), 'name-too-long', 'of two symlinks');
  t.is(typeAt('tmp/a'), 'name-too-long');
});

test('odd paths are refused', (t) => {
  const { root } = openRoot();
  writeFile(root, 'tmp/f', 'x');
  t.is(
    attempt(() => root.statAt({}, '')),
    'no-entry',
  );
  t.is(
    attempt(() => root.statAt({}, 'tmp/a\0b')),
    'invalid',
  );
  t.is(
    attempt(() => root.statAt({}, `tmp/${'n'.repeat(256)}`)),
    'name-too-long',
  );
  t.is(
    attempt(() => root.statAt({}, 'a/'.repeat(2500))),
    'name-too-long',
  );
  t.is(
    attempt(() => root.statAt({}, 'tmp/f/')),
    'not-directory',
  );
  t.is(
    attempt(() => root.statAt({}, 'tmp/f/g')),
    'not-directory',
  );
  t.is(
    attempt(() => root.removeDirectoryAt('tmp/.')),
    'invalid',
  );
  t.is(
    attempt(() => root.createDirectoryAt('tmp/.')),
    'exist',
  );
  t.is((root.statAt({}, 'tmp//./../tmp///') as { type: string }).type, 'directory');
});

test('opening obeys its flags', (t) => {
  const { root } = openRoot();
  const open = (path: string, openFlags: object, flags: object) =>
    attempt(() => root.openAt({}, path, openFlags, flags));
  t.is(open('tmp/f', {}, { read: true }), 'no-entry');
  t.is(open('tmp/f', { create: true, directory: true }, {}), 'invalid');
  t.is(typeof open('tmp/f', { create: true, exclusive: true }, { write: true }), 'object');
  t.is(open('tmp/f', { create: true, exclusive: true }, { write: true }), 'exist');
  t.is(open('tmp/f', { directory: true }, { read: true }), 'not-directory');
  t.is(open('tmp', {}, { write: true }), 'is-directory');
  t.is(open('tmp/new/', { create: true }, { write: true }), 'is-directory');
  writeFile(root, 'tmp/f', 'old');
  const reader = root.openAt({}, 'tmp/f', {}, { read: true });
  t.is(
    attempt(() => reader.write(Buffer.from('x'), 0n)),
    'bad-descriptor',
  );
  t.is(
    attempt(() => reader.setSize(0n)),
    'bad-descriptor',
  );
  t.is(
    attempt(() => reader.readDirectory()),
    'not-directory',
  );
  const writer = root.openAt({}, 'tmp/f', {}, { write: true });
  t.is(
    attempt(() => writer.read(1n, 0n)),
    'bad-descriptor',
  );
  t.is(readFile(root, 'tmp/f'), 'old');
  root.openAt({}, 'tmp/f', { truncate: true }, { write: true });
  t.is(readFile(root, 'tmp/f'), '');
});

test('reading tells where the file ends', (t) => {
  const { root } = openRoot();
  const file = openForWriting(root, 'tmp/f');
  t.is(file.write(Buffer.from('hello'), 2n), 5n);
  t.deepEqual(file.read(3n, 0n), [Uint8Array.of(0, 0, 104), false]);
  t.deepEqual(file.read(100n, 6n), [Uint8Array.of(111), true]);
  t.deepEqual(file.read(1n, 2n ** 64n - 1n), [new Uint8Array(0), true]);
});

test('streams read, write and append', async (t) => {
  const { root } = openRoot();
  const file = openForWriting(root, 'tmp/f');
  const writer = file.writeViaStream(1n);
  await writer.blockingWriteAndFlush(Buffer.from('bc'));
  await file.appendViaStream().blockingWriteAndFlush(Buffer.from('de'));
  await writer.blockingWriteAndFlush(Buffer.from('D'));
  const reader = file.readViaStream(0n);
  t.is(Buffer.from(await reader.blockingRead(100n)).toString(), '\0bcDe');
  t.deepEqual((t.throws(() => reader.read(1n), { any: true }) as unknown as ResultError<unknown>).payload, {
    tag: 'closed',
  });
});

test('a stream that runs out of space fails with an error that has a code', (t) => {
  const { root } = openRoot({ tmpBytes: 8192 });
  const stream = openForWriting(root, 'tmp/f').writeViaStream(0n);
  stream.checkWrite();
  stream.write(new Uint8Array(9000));
  const error = t.throws(() => stream.checkWrite(), { any: true }) as unknown as ResultError<{
    tag: string;
    val: IoError;
  }>;
  t.true(error instanceof ResultError);
  t.is(error.payload.tag, 'last-operation-failed');
  t.is(FILESYSTEM_TYPES_IMPORTS.filesystemErrorCode(error.payload.val), 'insufficient-space');
});

test('space comes back when the last name and the last descriptor are gone', (t) => {
  const { root } = openRoot({ tmpBytes: 8192 });
  const file = openForWriting(root, 'tmp/f');
  file.write(new Uint8Array(8192), 0n);
  root.linkAt({}, 'tmp/f', root, 'tmp/g');
  root.unlinkFileAt('tmp/f');
  t.is(file.stat().linkCount, 1n);
  root.unlinkFileAt('tmp/g');
  t.is(
    attempt(() => writeFile(root, 'tmp/h', 'x')),
    'insufficient-space',
  );
  const stream = file.readViaStream(0n);
  file[Symbol.dispose]();
  t.is(
    attempt(() => writeFile(root, 'tmp/h', 'x')),
    'insufficient-space',
  );
  stream[Symbol.dispose]();
  t.is(
    attempt(() => writeFile(root, 'tmp/h', 'x')),
    undefined,
  );
});

test('there are only so many nodes', (t) => {
  const { root } = openRoot();
  let made = 0;
  while (attempt(() => root.createDirectoryAt(`tmp/${made}`)) === undefined) made += 1;
  t.is(made, MAX_NODES - 2);
  t.is(
    attempt(() => writeFile(root, 'tmp/f', '')),
    'insufficient-space',
  );
  root.removeDirectoryAt('tmp/0');
  t.is(
    attempt(() => writeFile(root, 'tmp/f', '')),
    undefined,
  );
});

test('a removed directory takes no new names', (t) => {
  const { root } = openRoot();
  root.createDirectoryAt('tmp/d');
  const directory = root.openAt({}, 'tmp/d', { directory: true }, {});
  root.removeDirectoryAt('tmp/d');
  t.is(
    attempt(() => directory.createDirectoryAt('x')),
    'no-entry',
  );
  writeFile(root, 'tmp/f', '');
  t.is(
    attempt(() => root.renameAt('tmp/f', directory, 'f')),
    'no-entry',
  );
});

test('identity and times', (t) => {
  const { root, context } = openRoot();
  writeFile(root, 'tmp/a', 'x');
  root.linkAt({}, 'tmp/a', root, 'tmp/b');
  const [a, b] = [openForWriting(root, 'tmp/a'), openForWriting(root, 'tmp/b')];
  t.true(a.isSameObject(b));
  t.deepEqual(a.metadataHash(), root.metadataHashAt({}, 'tmp/b'));
  t.notDeepEqual(a.metadataHash(), root.metadataHash());
  const modified = a.stat().dataModificationTimestamp;
  context.clock.wall += 5_000_000_000n;
  a.setTimes({ tag: 'timestamp', val: { seconds: 7n, nanoseconds: 8 } }, { tag: 'no-change' });
  t.deepEqual(b.stat().dataAccessTimestamp, { seconds: 7n, nanoseconds: 8 });
  t.deepEqual(b.stat().dataModificationTimestamp, modified);
  a.write(Buffer.from('y'), 0n);
  t.is(b.stat().dataModificationTimestamp.seconds, modified.seconds + 5n);
  t.is(
    attempt(() =>
      a.setTimes({ tag: 'timestamp', val: { seconds: 0n, nanoseconds: 10 ** 9 } }, { tag: 'now' }),
    ),
    'invalid',
  );
});

test('descriptors count as handles until they are dropped', (t) => {
  const { root, context } = openRoot();
  const handles = Handles.of(context);
  t.is(handles.live, 1);
  writeFile(root, 'tmp/f', 'x');
  listDirectory(root, 'tmp');
  t.is(handles.live, 1);
  root[Symbol.dispose]();
  root[Symbol.dispose]();
  t.is(handles.live, 0);
});
