/** Projects that `mayfly new` makes: their files, that their types are right, and that they build. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { TEMPLATES } from '../../guest-sdk/cli/project-files.ts';
import { mayfly } from './run-mayfly.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');

async function emptyFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-new-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('every template has right types where its dependencies are installed', async (t) => {
  const cwd = await emptyFolder(t);
  for (const template of Object.keys(TEMPLATES)) {
    const { code, stdout } = await mayfly(['new', `my-${template}`, '--template', template], { cwd });
    t.is(code, 0);
    t.true(stdout.endsWith(`Next: cd my-${template} && npm install && npm run dev\n`));
    const folder = join(cwd, `my-${template}`);
    const { scripts, devDependencies } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    t.is(scripts.dev, `mayfly dev src/my-${template}.ts`);
    t.is(join(folder, devDependencies.mayfly.replace(/^file:/, ''), '.'), join(ROOT, '.'));
    // What `npm install` makes of that.
    await mkdir(join(folder, 'node_modules'));
    await symlink(ROOT, join(folder, 'node_modules', 'mayfly'));
    await t.notThrowsAsync(promisify(execFile)(process.execPath, [TSC, '-p', folder]));
  }
  const wrong = join(cwd, 'my-http', 'src', 'my-http.ts');
  await writeFile(
    wrong,
    (await readFile(wrong, 'utf8')).replace('fetch(request, env)', 'fetch(request: number)'),
  );
  const failed = await t.throwsAsync<Error & { readonly stdout: string }>(
    promisify(execFile)(process.execPath, [TSC, '-p', join(cwd, 'my-http')]),
  );
  t.regex(failed.stdout, /'Request' is not assignable to type 'number'/);
});

test('a folder that has something in it is left alone', async (t) => {
  const cwd = await emptyFolder(t);
  await writeFile(join(cwd, 'mine.txt'), 'x');
  const { code, stderr } = await mayfly(['new', '.', '--name', 'hello'], { cwd });
  t.is(code, 2);
  t.regex(stderr, /\. is not empty/);
  t.deepEqual(await readdir(cwd), ['mine.txt']);
  const file = await mayfly(['new', 'mine.txt', '--name', 'hello'], { cwd });
  t.is(file.code, 2);
  t.regex(file.stderr, /cannot be a project's folder/);
});

test('a folder whose name is no name of a function wants one', async (t) => {
  const cwd = await emptyFolder(t);
  const { code, stderr } = await mayfly(['new', '___'], { cwd });
  t.is(code, 2);
  t.regex(stderr, /is not a function's name/);
  t.deepEqual(await readdir(cwd), []);
  const made = await mayfly(['new', '___', '--name', 'hello', '--json'], { cwd });
  t.like(JSON.parse(made.stdout), { name: 'hello' });
  t.true(JSON.parse(made.stdout).files.includes('src/hello.ts'));
});
