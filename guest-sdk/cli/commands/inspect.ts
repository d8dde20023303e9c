import type { Command } from 'commander';
import type { FunctionJson } from '../../../host/control-plane/schemas.ts';
import { command, withClient } from '../command.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { formatBytes, formatMs, print, printJson, table } from '../terminal.ts';

export function inspectCommand(): Command {
  return command('inspect', 'show a function, its live version and its settings', 'mayfly inspect hello')
    .argument('<name>', 'the function')
    .action(async (name: string, options: GlobalOptions) => {
      const found = await withClient(options, (client) =>
        client.json<FunctionJson>({ method: 'GET', path: client.functionsPath(`/${checkedName(name)}`) }),
      );
      if (options.json) printJson(found);
      else print(describeFunction(found));
    });
}

function describeFunction({
  tenant,
  name,
  url,
  liveVersion,
  createdAt,
  updatedAt,
  live,
  configuration,
  instances,
  quarantine,
}: FunctionJson): string {
  const { sizes } = live;
  const facts = [
    ['name', `${tenant}/${name}`],
    ['url', url],
    ['live version', String(liveVersion)],
    ['digest', live.digest],
    ['handler', live.world],
    [
      'sizes',
      `upload ${formatBytes(sizes.uploadBytes)}, code ${formatBytes(sizes.codeBytes)}, glue ${formatBytes(sizes.glueBytes)}`,
    ],
    ...(instances === undefined ? [] : [['instances', describeInstances(instances)]]),
    ['publishing', live.steps.map((step) => `${step.name} ${formatMs(step.ms)}`).join(', ')],
    ['created', createdAt],
    ['updated', updatedAt],
    ...(quarantine === undefined ? [] : [['quarantined', `since ${quarantine.since}: ${quarantine.reason}`]]),
  ];
  const settings = Object.entries(configuration).map(([key, value]) => [
    `  ${key}`,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  return `${rows(facts)}\nsettings\n${rows(settings)}`;
}

function describeInstances({ road, rewind, reason }: NonNullable<FunctionJson['instances']>): string {
  const made = road === 'linked' ? 'linked by plan' : 'by glue';
  const kept =
    rewind === 'fresh' ? 'a new one for each invocation' : `rewound after each invocation (${rewind})`;
  return `${made}, ${kept}${reason === null ? '' : `: ${reason}`}`;
}

function rows(cells: readonly (readonly string[])[]): string {
  const [head = [], ...rest] = cells;
  return table(head, rest);
}
