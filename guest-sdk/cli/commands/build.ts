import { type Command, Option } from 'commander';
import { writeWhole } from '../../build/write-whole.ts';
import { localCommand } from '../command.ts';
import { loadComponent } from '../component-file.ts';
import { CliError } from '../exit-code.ts';
import { formatBytes, Progress, print, printJson } from '../terminal.ts';

interface BuildCommandOptions {
  readonly json?: boolean;
  readonly output?: string;
  readonly optimizeFor: 'speed' | 'size';
}

export function buildCommand(): Command {
  return localCommand(
    'build',
    'build a component from source without deploying it',
    'mayfly build src/hello.ts -o hello.wasm',
  )
    .argument('<file>', 'a .ts, .mts, .js, .mjs or .wat file')
    .option('-o, --output <file>', 'where to write it; beside the source unless given')
    .addOption(
      new Option('--optimize-for <what>', 'speed, or a quarter less size')
        .choices(['speed', 'size'])
        .default('speed'),
    )
    .action(async (file: string, options: BuildCommandOptions) => {
      if (/\.wasm$/i.test(file)) throw new CliError('usage', `${file} is built already`);
      const output = options.output ?? file.replace(/\.[^.]+$/, '.wasm');
      using progress = new Progress();
      const { bytes, buildMs = 0 } = await loadComponent(file, progress, options);
      await writeWhole(output, bytes);
      if (options.json) printJson({ output, bytes: bytes.length, buildMs: Math.round(buildMs) });
      else print(`${output} ${formatBytes(bytes.length)}`);
    });
}
