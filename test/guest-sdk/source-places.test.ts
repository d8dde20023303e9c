/** Logs of TypeScript functions name the author's places. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bundleHandler } from '../../guest-sdk/build/bundle.ts';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { placesAre, withAuthorsPlaces } from '../../guest-sdk/runtime/source-places.ts';
import { loadGuest } from './component-run.ts';

const FILES = {
  'package.json': '{}',
  'src/main.ts': `import { refuse } from './orders/refuse.ts';
import { parse } from 'parser';

interface Order {
  readonly amount: number;
}

console.log(new Error('top level').stack);

export default {
  fetch(): Response {
    for (const what of [refuse, parse, JSON.parse]) {
      try {
        what({ amount: 1 } satisfies Order as never);
      } catch (error) {
        console.error(error);
      }
    }
    return new Response(new Error('not logged').stack);
  },
};
`,
  'src/orders/refuse.ts': `type Nothing = never;

/** Erased types and comments move lines. */
export function refuse(order: unknown): Nothing {
  const nothing: { readonly there: string } | undefined = undefined;
  throw new RangeError(\`no \${nothing!.there}\`);
}
`,
  'node_modules/parser/package.json': '{"type":"module","exports":"./index.js"}',
  'node_modules/parser/index.js': `/* A package. */
export function parse() {
  throw new SyntaxError('cannot');
}
`,
};

async function project(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-places-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test("stacks in a log have the author's files, lines and columns; of packages the lines", async (t) => {
  const folder = await project(t);
  const { component } = await buildHandler(join(folder, 'src/main.ts'));
  await using guest = await loadGuest(component);
  const { stdout, stderr, text } = await guest.call();
  t.regex(stdout, /at <anonymous> \(src\/main\.ts:8:\d+\)/, 'written at the build, read by every invocation');
  const places = [...stderr.matchAll(/^ {4}at \S+ \((.*)\)$/gm)].map(([, place]) => place!);
  t.regex(places[0]!, /^src\/orders\/refuse\.ts:6:\d+$/);
  t.regex(places[1]!, /^src\/main\.ts:14:\d+$/);
  const ofPackage = places.findIndex((place) => place.startsWith('node_modules'));
  t.is(places[ofPackage], 'node_modules/parser/index.js:3:3');
  t.regex(places[ofPackage + 1]!, /^src\/main\.ts:14:\d+$/);
  t.true(
    places.some((place) => /^mayfly:\d+:\d+$/.test(place)),
    'the runtime',
  );
  t.notRegex(stderr + stdout, /user\.js|guest-sdk|tmp/);
  t.regex(text, /componentize-qjs:user\.js/, 'what a function makes of a stack by itself is as it was');
});

test('each place of a bundle is the one that its source map has', async (t) => {
  const entry = 'examples/pipeline-ts/src/pipeline.ts';
  const { code, locate } = await bundleHandler(entry, ['fetch', 'queue', 'scheduled']);
  const [, json] = /^placesAre\((.*)\);$/m.exec(code)!;
  t.deepEqual(JSON.parse(json!).files, [entry]);
  t.teardown(() => placesAre({ files: [], firstLine: 0, mappings: '' }));
  placesAre(JSON.parse(json!));
  let ours = 0;
  code.split('\n').forEach((text, index) => {
    // Node gives what is before a line's first place, or in a comment, the last one of the lines before.
    const before = JSON.stringify(locate(index + 1, 1));
    for (let column = 2; column <= text.length; column++) {
      const located = locate(index + 1, column);
      if (JSON.stringify(located) === before) continue;
      const place = withAuthorsPlaces(`componentize-qjs:user.js:${index + 1}:${column}`);
      const isOurs = located?.file === entry;
      if (isOurs) ours++;
      t.is(
        place,
        isOurs ? `${entry}:${located.line}:${located.column}` : `mayfly:${index + 1}:${column}`,
        text,
      );
    }
  });
  t.true(ours > 1_000);
});

test('a text without places stays as it is, whatever is in it', (t) => {
  for (const text of ['', 'user.js:1:1', 'componentize-qjs:user.js:', 'componentize-qjs:user.js:x:1'])
    t.is(withAuthorsPlaces(text), text);
});
