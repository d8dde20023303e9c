import { type Command, Option } from 'commander';
import { HANDLER_KINDS } from '../../../host/model/artifact.ts';
import { command, withClient } from '../command.ts';
import { loadComponent, nameFromFile } from '../component-file.ts';
import { publish } from '../publish.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { formatBytes, formatMs, Progress, print, printJson } from '../terminal.ts';

interface DeployOptions extends GlobalOptions {
  readonly name?: string;
  readonly handler?: string;
  readonly optimizeFor: 'speed' | 'size';
}

const EXAMPLE = `mayfly deploy ./src/handler.ts --name hello
mayfly deploy ./hello.wasm`;

export function deployCommand(): Command {
  return command('deploy', 'upload a component, which answers from then on; sources are built first', EXAMPLE)
    .argument('<file>', 'a .wasm, .ts, .mts, .js, .mjs or .wat file')
    .option('--name <name>', "the function's name; the file's own unless given")
    .addOption(
      new Option('--handler <kind>', 'which handler, where the component exports several').choices(
        HANDLER_KINDS,
      ),
    )
    .addOption(
      new Option('--optimize-for <what>', 'when building: speed, or a quarter less size')
        .choices(['speed', 'size'])
        .default('speed'),
    )
    .action(async (file: string, options: DeployOptions) => {
      const name = checkedName(options.name ?? nameFromFile(file));
      using progress = new Progress();
      const published = await withClient(options, async (client) => {
        const { bytes } = await loadComponent(file, progress, options);
        progress.step(`publishing ${formatBytes(bytes.length)} as ${client.settings.tenant}/${name}`);
        const query = options.handler === undefined ? '' : `?handler=${encodeURIComponent(options.handler)}`;
        return publish(client, client.functionsPath(`/${name}${query}`), bytes, progress);
      });
      const steps = published.steps.map((step) => `${step.name} ${formatMs(step.ms)}`);
      progress.note(steps.length > 0 ? steps.join(', ') : 'the host had published these bytes before');
      if (options.json) printJson(published);
      else print(`${name} version ${published.version} answers at ${published.url}`);
    });
}
