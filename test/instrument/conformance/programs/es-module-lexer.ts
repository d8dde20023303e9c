import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { init, parse } from 'es-module-lexer';

/** Imports and exports of every module of a few packages. */
export default async function run(): Promise<string> {
  await init;
  const require = createRequire(import.meta.url);
  const hono = dirname(fileURLToPath(import.meta.resolve('hono')));
  const jco = dirname(require.resolve('@bytecodealliance/jco-transpile'));
  const files = [hono, jco].flatMap((folder) =>
    globSync('**/*.js', { cwd: folder })
      .sort()
      .map((path) => join(folder, path)),
  );
  return files.map((file) => JSON.stringify(parse(readFileSync(file, 'utf8')))).join('\n');
}
