import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { BuildError } from '../../guest-sdk/build/build-error.ts';
import { type BuildStep, buildHandler } from '../../guest-sdk/build/handler.ts';
import { buildWat } from '../../guest-sdk/build/wat.ts';

async function folderOf(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-build-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/** What a build of `main.ts` fails with. */
async function failureOf(t: ExecutionContext, files: Record<string, string>): Promise<BuildError> {
  const folder = await folderOf(t, files);
  const error = await t.throwsAsync(buildHandler(join(folder, 'main.ts')), { instanceOf: BuildError });
  return error as BuildError;
}

test('a module becomes a component that exports the HTTP handler', async (t) => {
  const folder = await folderOf(t, {
    'main.ts':
      "import { greet } from './greet.ts';\nexport default { fetch: (): Response => new Response(greet) };\n",
    'greet.ts': "enum Word { Hello = 'hello' }\nexport const greet: string = Word.Hello;\n",
  });
  const outFile = join(folder, 'out/main.wasm');
  const steps: BuildStep[] = [];
  const { component, ms } = await buildHandler(join(folder, 'main.ts'), {
    outFile,
    onProgress: (step) => steps.push(step),
  });
  t.deepEqual(steps, ['bundle', 'componentize', 'write']);
  t.true(ms.componentize > 0);
  t.deepEqual(await readFile(outFile), Buffer.from(component));
  t.deepEqual(await readdir(join(folder, 'out')), ['main.wasm'], 'nothing temporary is left');
  const wit = await componentWit(component);
  t.regex(wit, /export wasi:http\/handler@0\.3\.0;/);
  t.regex(wit, /import mayfly:http\/messages@0\.1\.0;/);
  t.regex(wit, /import mayfly:http\/outbound@0\.1\.0;/);
});

test('a component exports the handlers that its module turns out to have, and no others', async (t) => {
  const folder = await folderOf(t, {
    'main.ts': "const methods = { ['que' + 'ue']() {} };\nexport default methods;\n",
  });
  const { component, handlers } = await buildHandler(join(folder, 'main.ts'));
  t.deepEqual(handlers, ['queue']);
  const wit = await componentWit(component);
  t.regex(wit, /export mayfly:events\/queue-handler@0\.1\.0;/);
  t.notRegex(wit, /export (?:wasi:http|mayfly:events\/schedule)/);
});

test('a syntax error is shown with file, line, column and the lines around it', async (t) => {
  const error = await failureOf(t, { 'main.ts': 'export default {\n  fetch( {\n} }\n' });
  t.regex(error.message, /main\.ts:3:3: Expected/);
  t.is(error.location?.line, 3);
  t.regex(error.frame, /3: \} \}/);
});

test('a file that is not there is named', async (t) => {
  const error = await failureOf(t, { 'main.ts': "import { x } from './nope.ts';\nexport default x;\n" });
  t.regex(error.message, /main\.ts:1:\d+: '\.\/nope\.ts' does not exist/);
});

test('a package that is not installed comes with the line that installs it', async (t) => {
  const error = await failureOf(t, {
    'main.ts': "import x from 'no-such-package-here';\nexport default x;\n",
  });
  t.regex(error.message, /main\.ts:1:\d+: .*npm install no-such-package-here/);
});

test("a module of Node's is refused by name", async (t) => {
  const error = await failureOf(t, {
    'main.ts': "import fs from 'node:fs';\nexport default { fetch: () => fs };\n",
  });
  t.regex(error.message, /'node:fs' is a module of Node\.js/);
});

test('a missing default export says what to write', async (t) => {
  const error = await failureOf(t, { 'main.ts': 'export const fetch = 1;\n' });
  t.regex(error.message, /has no handler: write `export default/);
});

test('an error at the top level is placed in the source that threw it', async (t) => {
  const error = await failureOf(t, {
    'main.ts': "import { early } from './early.ts';\nexport default { fetch: () => new Response(early) };\n",
    'early.ts':
      "const unused = 1;\n\nfunction fail(): string {\n  throw new Error('too early');\n}\nexport const early = fail();\n",
  });
  t.regex(error.message, /early\.ts:4:\d+: the module failed while it initialised: .*too early/);
});

test('fetch at the top level says where it can be used', async (t) => {
  const error = await failureOf(t, {
    'main.ts': "const page = await fetch('http://example.com/');\nexport default { fetch: () => page };\n",
  });
  t.regex(
    error.message,
    /main\.ts:1:\d+: .*fetch is not available while the module initialises.*inside the handler/,
  );
});

test('a source that does not exist is named', async (t) => {
  await t.throwsAsync(buildHandler('no/such/file.ts'), {
    instanceOf: BuildError,
    message: 'no/such/file.ts does not exist',
  });
});

test('an error in WAT is shown with line and column', async (t) => {
  const folder = await folderOf(t, { 'bad.wat': '(module\n  (fun))\n' });
  await t.throwsAsync(buildWat(join(folder, 'bad.wat')), {
    instanceOf: BuildError,
    message: /bad\.wat:2:4: expected valid module field/,
  });
});

test('WAT without its WIT says where that is looked for', async (t) => {
  const folder = await folderOf(t, { 'alone.wat': '(module)' });
  await t.throwsAsync(buildWat(join(folder, 'alone.wat')), {
    instanceOf: BuildError,
    message: /expected in .*alone\.wit/,
  });
});

test('WAT of a wasip1 command goes as it is: the host makes a component of it', async (t) => {
  const folder = await folderOf(t, { 'start.wat': '(module (func (export "_start")))' });
  const module = await buildWat(join(folder, 'start.wat'));
  t.true(WebAssembly.validate(module as Uint8Array<ArrayBuffer>));
});

test('WAT of a core module becomes a component of the world in the WIT beside it', async (t) => {
  const folder = await folderOf(t, {
    'add.wat':
      '(module (func (export "add") (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b))))',
    'add.wit': 'package test:add;\nworld add { export add: func(a: u32, b: u32) -> u32; }\n',
  });
  const component = await buildWat(join(folder, 'add.wat'));
  t.regex(await componentWit(component), /export add: func\(a: u32, b: u32\) -> u32;/);
  const small = await buildWat(join(folder, 'add.wat'), { keepNames: false });
  t.regex(await componentWit(small), /export add: func\(a: u32, b: u32\) -> u32;/);
  t.true(small.length < component.length);
  t.false(Buffer.from(small).includes('wit-component'));
});
