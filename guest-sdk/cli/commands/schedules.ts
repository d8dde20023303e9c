import { type Command, Option } from 'commander';
import type { ScheduleJson } from '../../../host/control-plane/trigger-schemas.ts';
import { MISSED_TICKS } from '../../../host/model/schedule.ts';
import { command, commandGroup, withClient } from '../command.ts';
import { Definitions, given } from '../definition.ts';
import { parseDurationMs, readData } from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface SettingsOptions extends GlobalOptions {
  readonly function?: string;
  readonly cron?: string;
  readonly timeZone?: string;
  readonly rate?: number;
  readonly at?: string;
  readonly jitter?: number;
  readonly missed?: string;
  readonly input?: string;
  readonly contentType?: string;
}

const schedules = new Definitions({
  noun: 'schedule',
  segment: 'schedules',
  exampleName: 'nightly',
  exampleOption: '--rate 12h',
});

const CREATE_EXAMPLE = `mayfly schedules create nightly --function report --cron '0 3 * * *' --time-zone Europe/Berlin
mayfly schedules create often --function poll --rate 5m --jitter 30s
mayfly schedules create once --function remind --at 2027-01-01T00:00:00Z --input '{"to":"Ada"}'`;

export function schedulesCommand(): Command {
  const example = "mayfly schedules create nightly --function report --cron '0 3 * * *'";
  return commandGroup('schedules', 'call functions by the clock', example, [
    createCommand(),
    configureCommand(),
    listCommand(),
    schedules.describeCommand('show a schedule and its next ticks'),
    schedules.switchCommand('pause', 'make no ticks'),
    schedules.switchCommand('resume', 'make ticks again; those of the pause are not made up for'),
    schedules.deleteCommand('delete a schedule'),
  ]);
}

function createCommand(): Command {
  return withSettings(
    command('create', 'create a schedule, or set all of it', CREATE_EXAMPLE)
      .argument('<schedule>', 'its name')
      .requiredOption('--function <name>', 'what is called'),
  ).action(async (name: string, options: SettingsOptions) => {
    const expression = expressionOf(options);
    if (expression === undefined) throw new CliError('usage', 'say when: --cron, --rate or --at');
    await schedules.put(name, { expression, ...(await settingsOf(options)) }, options);
  });
}

function configureCommand(): Command {
  return withSettings(
    command('configure', 'change a schedule', 'mayfly schedules configure nightly --rate 12h')
      .argument('<schedule>', 'its name')
      .option('--function <name>', 'what is called from now on'),
  ).action(async (name: string, options: SettingsOptions) => {
    const expression = expressionOf(options);
    const body = { ...(expression && { expression }), ...(await settingsOf(options)) };
    await schedules.patch(name, body, options);
  });
}

function withSettings(made: Command): Command {
  return made
    .option('--cron <expression>', 'five fields, or six with seconds in front')
    .option('--time-zone <name>', 'of --cron, such as Europe/Berlin (UTC)')
    .option('--rate <time>', 'every so often, such as 5m', parseDurationMs)
    .option('--at <time>', 'once, such as 2027-01-01T00:00:00Z')
    .option('--jitter <time>', 'each tick comes up to so much later, to spread load', parseDurationMs)
    .addOption(
      new Option('--missed <which>', 'ticks that were missed while no host ran').choices([...MISSED_TICKS]),
    )
    .option('--input <text>', 'body of the event: text, @file, or @- for standard input')
    .option('--content-type <type>', 'of the input (application/json)');
}

function listCommand(): Command {
  return command('list', 'list the schedules of a tenant', 'mayfly schedules list').action(
    async (options: GlobalOptions) => {
      const found = await withClient(options, (client) =>
        client.json<ScheduleJson[]>({ method: 'GET', path: client.tenantPath('/schedules') }),
      );
      if (options.json) printJson(found);
      else if (found.length === 0) print('no schedules yet; `mayfly schedules create` makes one');
      else
        print(
          table(
            ['NAME', 'FUNCTION', 'WHEN', 'NEXT', 'LAST'],
            found.map((schedule) => [
              schedule.name,
              schedule.function,
              whenOf(schedule.expression),
              schedule.enabled ? (schedule.nextTicks[0] ?? 'over') : 'paused',
              schedule.lastTick ?? '',
            ]),
          ),
        );
    },
  );
}

function expressionOf({ cron, timeZone, rate, at }: SettingsOptions): object | undefined {
  if ([cron, rate, at].filter((one) => one !== undefined).length > 1)
    throw new CliError('usage', 'say when only once: --cron, --rate or --at');
  if (timeZone !== undefined && cron === undefined)
    throw new CliError('usage', '--time-zone belongs to --cron');
  if (cron !== undefined)
    return { type: 'cron', expression: cron, ...(timeZone === undefined ? {} : { timeZone }) };
  if (rate !== undefined) return { type: 'rate', everyMs: rate };
  return at === undefined ? undefined : { type: 'at', at };
}

async function settingsOf(options: SettingsOptions): Promise<Record<string, unknown>> {
  const input = options.input === undefined ? undefined : await readData(options.input);
  const settings = {
    function: options.function === undefined ? undefined : checkedName(options.function),
    jitterMs: options.jitter,
    missedTicks: options.missed,
    input: input === undefined ? undefined : new TextDecoder().decode(input),
    contentType: options.contentType,
  };
  return given(settings);
}

function whenOf(expression: ScheduleJson['expression']): string {
  switch (expression.type) {
    case 'cron':
      return `${expression.expression} ${expression.timeZone}`;
    case 'rate':
      return `every ${expression.everyMs / 1_000} s`;
    case 'at':
      return expression.at;
  }
}
