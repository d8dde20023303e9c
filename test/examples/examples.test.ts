import { access, readdir, readFile, stat, utimes } from 'node:fs/promises';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { EXAMPLES, exampleNamed } from '../../examples/examples.ts';

for (const example of EXAMPLES) {
  test(`${example.name} builds from its source and exports ${example.world}`, async (t) => {
    const bytes = await readFile(await example.build());
    if (example.world === 'wasip1') {
      const module = await WebAssembly.compile(bytes);
      t.true(WebAssembly.Module.exports(module).some(({ name }) => name === '_start'));
      t.deepEqual(
        [...new Set(WebAssembly.Module.imports(module).map((each) => each.module))],
        ['wasi_snapshot_preview1'],
      );
    } else t.true((await componentWit(bytes)).includes(`export ${example.world};`));
  });

  test(`${example.name} has a README that names its own build`, async (t) => {
    const readme = await readFile(
      new URL(`../../examples/${example.name}/README.md`, import.meta.url),
      'utf8',
    );
    t.true(readme.startsWith(`# ${example.name}\n`));
    t.true(readme.includes(`examples/build.ts ${example.name}`));
    await t.notThrowsAsync(access(example.source));
  });
}

test('tiny-wat is as small as it says', async (t) => {
  const { size } = await stat(await exampleNamed('tiny-wat')!.build());
  t.true(size <= 3072, `${size} bytes`);
});

test('every folder of examples is in the list', async (t) => {
  const entries = await readdir(new URL('../../examples/', import.meta.url), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  t.deepEqual(folders.sort(), EXAMPLES.map(({ name }) => name).sort());
});

test.serial('an example is built again only after its source has changed', async (t) => {
  const example = exampleNamed('tiny-wat')!;
  const builtMs = async (): Promise<number> => (await stat(await example.build())).mtimeMs;
  const first = await builtMs();
  t.is(await builtMs(), first);
  // Older than any source, whenever it was checked out.
  const past = new Date(1_000);
  await utimes(example.output, past, past);
  t.true((await builtMs()) > past.getTime());
});
