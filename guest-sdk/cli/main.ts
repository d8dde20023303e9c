import { Command, CommanderError } from 'commander';
import type { ProblemDetails } from '../../host/errors/errors.ts';
import { commandsFor } from './commands.ts';
import { CliError, EXIT_CODES, type ExitName, exitTable } from './exit-code.ts';
import { ownPackage } from './own-package.ts';
import { plain } from './terminal.ts';

async function program(argv: readonly string[]): Promise<Command> {
  const root = new Command('mayfly')
    .description('Deploy, call and look after functions on a Mayfly host.')
    .version(ownPackage().version, '-V, --version')
    .addHelpText('after', `\nExample:\n  mayfly deploy ./src/handler.ts --name hello\n\n${exitTable()}`)
    .showSuggestionAfterError();
  for (const each of await commandsFor(argv)) root.addCommand(each);
  // Settings are inherited at the time a command is added only by those made with `command()`.
  for (const each of [root, ...root.commands, ...root.commands.flatMap(({ commands }) => commands)]) {
    each.exitOverride().showHelpAfterError('(--help shows how it is used)');
    if (wantsJson) each.configureOutput({ writeErr: () => {} });
  }
  return root;
}

/** What is wrong is told in JSON then, too: the host's problem details, or what this command has to say in the same terms. */
const wantsJson = process.argv.includes('--json');

function tell(exit: ExitName, message: string, problem?: ProblemDetails): number {
  const { code: exitCode } = EXIT_CODES[exit];
  const own = { code: exit.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), title: message, exitCode };
  process.stderr.write(
    wantsJson ? `${JSON.stringify(problem ?? own, null, 2)}\n` : `mayfly: ${plain(message)}\n`,
  );
  return exitCode;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT_CODES.ok.code;
    // Commander has printed its own message already, but for what is written above.
    return wantsJson ? tell('usage', error.message.replace(/^error: /, '')) : EXIT_CODES.usage.code;
  }
  if (error instanceof CliError) return tell(error.exit, error.message, error.problem);
  return tell('failed', error instanceof Error ? (error.stack ?? error.message) : String(error));
}

// A reader that has seen enough (`mayfly logs x | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.ok.code);
});

try {
  await (await program(process.argv.slice(2))).parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
