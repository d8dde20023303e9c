/** What the commands share: their common options, and how an action gets its client. */
import { Command } from 'commander';
import { Client } from './client.ts';
import { exitTable } from './exit-code.ts';
import { DEFAULT_URL, type GlobalOptions, resolveSettings } from './settings.ts';

/** A command with its example, and the exit codes at the end of its help. It asks no host. */
export function localCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print JSON, for scripts; errors, too, on standard error')
    .addHelpText('after', `\nExample:\n${example.replace(/^/gm, '  ')}\n\n${exitTable()}`);
}

/** One that asks a host, with the options that all of those have. */
export function command(name: string, description: string, example: string): Command {
  return localCommand(name, description, example)
    .option('--host <url>', `the host to talk to (MAYFLY_URL; ${DEFAULT_URL} unless set)`)
    .option(
      '--key <key>',
      'an API key (MAYFLY_KEY; for a host on this machine, .mayfly/admin.key here or in MAYFLY_DATA_DIR)',
    )
    .option('--tenant <name>', 'whose functions (MAYFLY_TENANT; default unless set)');
}

/** Commands under one noun: `mayfly tenants create`. */
export function commandGroup(
  name: string,
  description: string,
  example: string,
  commands: readonly Command[],
): Command {
  const group = new Command(name)
    .description(description)
    .addHelpText('after', `\nExample:\n${example.replace(/^/gm, '  ')}\n\n${exitTable()}`);
  for (const each of commands) group.addCommand(each);
  return group;
}

/** Runs `action` with a client for the host that the options name, and closes it. */
export async function withClient<T>(
  options: GlobalOptions,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  await using client = new Client(await resolveSettings(options));
  return await action(client);
}

/** Collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
