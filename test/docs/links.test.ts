/** Links between the pages of this repository lead somewhere. */
import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}

const withoutCode = (text: string): string => text.replace(/```.*?```/gs, '');

test('every link to a file or a heading of this repository leads there', async (t) => {
  const pages = new Map<string, string>();
  const isOurs = (path: string): boolean => !/node_modules|^dist/.test(path);
  for await (const path of glob('**/*.md', { cwd: ROOT, exclude: (name) => !isOurs(String(name)) }))
    pages.set(path, withoutCode(await readFile(join(ROOT, path), 'utf8')));
  const lost: string[] = [];
  for (const [page, text] of pages) {
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path = '', anchor] = link!.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      const headings = [...(pages.get(target) ?? '').matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        anchorOf(text!),
      );
      const isThere = existsSync(join(ROOT, target)) && (anchor === undefined || headings.includes(anchor));
      if (!isThere) lost.push(`${page}: ${link}`);
    }
  }
  t.true(pages.size > 50);
  t.deepEqual(lost, []);
});
