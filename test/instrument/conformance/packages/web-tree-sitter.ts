import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface TreeSitter {
  Parser: {
    init(): Promise<void>;
    new (): {
      setLanguage(language: unknown): void;
      parse(text: string): { rootNode: { toString(): string } };
    };
  };
  Language: { load(bytes: Uint8Array): Promise<unknown> };
}

/** Two modules linked while running: a parser, and a grammar that shares its memory and table. */
export default async function run(packages: string): Promise<string> {
  const folder = `${packages}/node_modules`;
  const require = createRequire(pathToFileURL(`${packages}/package.json`));
  const { Parser, Language } = (await import(
    pathToFileURL(require.resolve('web-tree-sitter')).href
  )) as TreeSitter;
  await Parser.init();
  const parser = new Parser();
  parser.setLanguage(
    await Language.load(readFileSync(`${folder}/tree-sitter-javascript/tree-sitter-javascript.wasm`)),
  );
  const sources = [
    'web-tree-sitter/web-tree-sitter.js',
    'sql.js/package.json',
    'esbuild-wasm/esm/browser.js',
  ];
  return sources
    .map((path) => parser.parse(readFileSync(`${folder}/${path}`, 'utf8')).rootNode.toString())
    .join('\n');
}
