import { Command, CommanderError } from 'commander';
import { commandsFor } from './commands.ts';
import { CliError, EXIT_CODES, exitTable } from './exit-code.ts';
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
  for (const each of [root, ...root.commands, ...root.commands.flatMap(({ commands }) => commands)])
    each.exitOverride().showHelpAfterError('(--help shows how it is used)');
  return root;
}

function report(error: unknown): number {
  // Commander has printed its own message already.
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.usage.code;
  if (error instanceof CliError) {
    const wantsJson = process.argv.includes('--json');
    process.stderr.write(
      wantsJson && error.problem
        ? `${JSON.stringify(error.problem, null, 2)}\n`
        : `mayfly: ${plain(error.message)}\n`,
    );
    return EXIT_CODES[error.exit].code;
  }
  process.stderr.write(
    `mayfly: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT_CODES.failed.code;
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
