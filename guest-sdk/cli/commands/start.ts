import { Command } from 'commander';
import { exitTable } from '../exit-code.ts';

/** The host's own entry; it reads the environment, serves until a signal, and ends this process. */
const HOST = new URL(`../../../host/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export function startCommand(): Command {
  return new Command('start')
    .description('start a host in this terminal; settings come from MAYFLY_ variables (see the README)')
    .addHelpText('after', `\nExample:\n  MAYFLY_PORT=9000 mayfly start\n\n${exitTable()}`)
    .action(async () => {
      await import(HOST.href);
    });
}
