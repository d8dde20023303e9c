import type { Command } from 'commander';
import type { RemeteringJson } from '../../../host/control-plane/remetering-schemas.ts';
import { command, commandGroup, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

const PATH = '/v1/remetering';

export function remeteringCommand(): Command {
  return commandGroup(
    'remetering',
    'see what older releases published metered again; with the operator’s key',
    'mayfly remetering status',
    [
      remetering('status', 'say how far it has come, and what could not be', 'GET', PATH),
      remetering('retry', 'try again what could not be', 'POST', `${PATH}/retry`),
    ],
  );
}

function remetering(name: string, about: string, method: 'GET' | 'POST', path: string): Command {
  return command(name, about, `mayfly remetering ${name}`).action(async (options: GlobalOptions) => {
    const status = await withClient(options, (client) => client.json<RemeteringJson>({ method, path }));
    if (options.json) printJson(status);
    else print(describe(status));
  });
}

function describe({ state, waiting, done, failed }: RemeteringJson): string {
  const lines = [`${done} metered again since the host started, ${waiting} wait, ${failed.length} failed`];
  if (state === 'off') lines.push('the host is told not to: MAYFLY_REMETERING is 0');
  for (const { code, detail, mend, at, versions } of failed) {
    lines.push('', `${code} at ${at}: ${detail}`, `  ${mend}`);
    const rows = versions.map(({ tenant, function: name, version, live }) => [
      `  ${tenant}/${name}`,
      String(version),
      live ? 'live' : '',
    ]);
    lines.push(table(['  FUNCTION', 'VERSION', 'LIVE'], rows));
  }
  return lines.join('\n');
}
