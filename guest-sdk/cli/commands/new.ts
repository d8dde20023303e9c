import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { localCommand } from '../command.ts';
import { nameFromFile } from '../component-file.ts';
import { CliError } from '../exit-code.ts';
import { projectFiles, TEMPLATES, type TemplateName } from '../project-files.ts';
import { checkedName } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface NewOptions {
  readonly template: TemplateName;
  readonly name?: string;
  readonly json?: boolean;
}

const ABOUT = Object.entries(TEMPLATES)
  .map(([name, { about }]) => `${name} ${about}`)
  .join('; ');

const EXAMPLE = `mayfly new hello
cd hello && npm install && npm run dev`;

export function newCommand(): Command {
  return localCommand('new', 'make a folder with a function in TypeScript, ready for `mayfly dev`', EXAMPLE)
    .argument('<folder>', 'where; it must not exist, or be empty')
    .addOption(
      new Option('--template <template>', `what to begin with: ${ABOUT}`)
        .choices(Object.keys(TEMPLATES))
        .default('http'),
    )
    .option('--name <name>', "the function's name; the folder's own unless given")
    .action(async (path: string, { template, name: given, json }: NewOptions) => {
      const folder = resolve(path);
      const name = checkedName(given ?? nameFromFile(basename(folder)));
      await refuseUsed(folder, path);
      const files = await projectFiles({ name, template, folder });
      for (const [file, text] of files) {
        const target = join(folder, file);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, text, { flag: 'wx' });
      }
      if (json) printJson({ name, folder, files: [...files.keys()] });
      else
        print(
          [
            ...[...files.keys()].map((file) => join(path, file)),
            '',
            `Next: cd ${path} && npm install && npm run dev`,
          ].join('\n'),
        );
    });
}

/** @throws {CliError} `usage` where something is there that could be lost */
async function refuseUsed(folder: string, path: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new CliError('usage', `${path} cannot be a project's folder: ${error.message}`, { cause: error });
  });
  if (entries.length > 0)
    throw new CliError('usage', `${path} is not empty; name a folder that is not there yet`);
}
