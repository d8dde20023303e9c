import { Command, CommanderError } from 'commander';
import { auditCommand } from './commands/audit.ts';
import { budgetCommand } from './commands/budget.ts';
import { buildCommand } from './commands/build.ts';
import { configureCommand } from './commands/configure.ts';
import { costCommand } from './commands/cost.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { deleteCommand } from './commands/delete.ts';
import { deployCommand } from './commands/deploy.ts';
import { devCommand } from './commands/dev.ts';
import { eventsCommand } from './commands/events.ts';
import { inspectCommand } from './commands/inspect.ts';
import { invoiceCommand } from './commands/invoice.ts';
import { invokeCommand } from './commands/invoke.ts';
import { keysCommand } from './commands/keys.ts';
import { listCommand } from './commands/list.ts';
import { logsCommand } from './commands/logs.ts';
import { mappingsCommand } from './commands/mappings.ts';
import { newCommand } from './commands/new.ts';
import { pricesCommand } from './commands/prices.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { queuesCommand } from './commands/queues.ts';
import { quotaCommand } from './commands/quota.ts';
import { rollbackCommand } from './commands/rollback.ts';
import { schedulesCommand } from './commands/schedules.ts';
import { secretsCommand } from './commands/secrets.ts';
import { sendCommand } from './commands/send.ts';
import { startCommand } from './commands/start.ts';
import { tenantsCommand } from './commands/tenants.ts';
import { usageCommand } from './commands/usage.ts';
import { versionsCommand } from './commands/versions.ts';
import { whoamiCommand } from './commands/whoami.ts';
import { CliError, EXIT_CODES, exitTable } from './exit-code.ts';
import { ownPackage } from './own-package.ts';
import { plain } from './terminal.ts';

const COMMANDS = [
  startCommand,
  newCommand,
  devCommand,
  deployCommand,
  buildCommand,
  invokeCommand,
  listCommand,
  inspectCommand,
  logsCommand,
  versionsCommand,
  rollbackCommand,
  configureCommand,
  deleteCommand,
  queuesCommand,
  sendCommand,
  mappingsCommand,
  schedulesCommand,
  eventsCommand,
  deadLettersCommand,
  tenantsCommand,
  quotaCommand,
  quarantineCommand,
  keysCommand,
  whoamiCommand,
  secretsCommand,
  auditCommand,
  usageCommand,
  invoiceCommand,
  costCommand,
  pricesCommand,
  budgetCommand,
];

function program(): Command {
  const root = new Command('mayfly')
    .description('Deploy, call and look after functions on a Mayfly host.')
    .version(ownPackage().version, '-V, --version')
    .addHelpText('after', `\nExample:\n  mayfly deploy ./src/handler.ts --name hello\n\n${exitTable()}`)
    .showSuggestionAfterError();
  for (const make of COMMANDS) root.addCommand(make());
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
  await program().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
