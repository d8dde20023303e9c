/**
 * What there is, in the order of the help. A command is loaded when it is the one that was asked for: the modules of all others, and of
 * what they alone need, took a third of the time in which `mayfly whoami` answers.
 */
import type { Command } from 'commander';

const COMMANDS: Readonly<Record<string, () => Promise<() => Command>>> = {
  start: async () => (await import('./commands/start.ts')).startCommand,
  new: async () => (await import('./commands/new.ts')).newCommand,
  dev: async () => (await import('./commands/dev.ts')).devCommand,
  deploy: async () => (await import('./commands/deploy.ts')).deployCommand,
  build: async () => (await import('./commands/build.ts')).buildCommand,
  invoke: async () => (await import('./commands/invoke.ts')).invokeCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
  versions: async () => (await import('./commands/versions.ts')).versionsCommand,
  rollback: async () => (await import('./commands/rollback.ts')).rollbackCommand,
  configure: async () => (await import('./commands/configure.ts')).configureCommand,
  delete: async () => (await import('./commands/delete.ts')).deleteCommand,
  queues: async () => (await import('./commands/queues.ts')).queuesCommand,
  send: async () => (await import('./commands/send.ts')).sendCommand,
  mappings: async () => (await import('./commands/mappings.ts')).mappingsCommand,
  schedules: async () => (await import('./commands/schedules.ts')).schedulesCommand,
  events: async () => (await import('./commands/events.ts')).eventsCommand,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).deadLettersCommand,
  tenants: async () => (await import('./commands/tenants.ts')).tenantsCommand,
  quota: async () => (await import('./commands/quota.ts')).quotaCommand,
  quarantine: async () => (await import('./commands/quarantine.ts')).quarantineCommand,
  keys: async () => (await import('./commands/keys.ts')).keysCommand,
  whoami: async () => (await import('./commands/whoami.ts')).whoamiCommand,
  secrets: async () => (await import('./commands/secrets.ts')).secretsCommand,
  audit: async () => (await import('./commands/audit.ts')).auditCommand,
  usage: async () => (await import('./commands/usage.ts')).usageCommand,
  invoice: async () => (await import('./commands/invoice.ts')).invoiceCommand,
  cost: async () => (await import('./commands/cost.ts')).costCommand,
  prices: async () => (await import('./commands/prices.ts')).pricesCommand,
  budget: async () => (await import('./commands/budget.ts')).budgetCommand,
  remetering: async () => (await import('./commands/remetering.ts')).remeteringCommand,
  backup: async () => (await import('./commands/backup.ts')).backupCommand,
};

/** The command that the arguments name first, or all of them: for the help, and to suggest one to whoever mistyped it. */
export function commandsFor([name = '']: readonly string[]): Promise<Command[]> {
  const named = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const loaders = named === undefined ? Object.values(COMMANDS) : [named];
  return Promise.all(loaders.map(async (load) => (await load())()));
}
