import { type Command, InvalidArgumentError } from 'commander';
import type { AuditEntryJson } from '../../../host/control-plane/audit-entry-schema.ts';
import { command, withClient } from '../command.ts';
import type { GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface AuditOptions extends GlobalOptions {
  readonly lines: number;
  readonly before?: number;
  readonly all?: boolean;
}

export function auditCommand(): Command {
  return command('audit', 'show what was changed, newest first', 'mayfly audit --tenant acme -n 20')
    .option('-n, --lines <count>', 'how many entries', parseCount, 100)
    .option('--before <id>', 'only entries before this one: the last that was shown', parseCount)
    .option('--all', "of all tenants, those that were deleted included; takes the operator's key")
    .action(async (options: AuditOptions) => {
      const before = options.before === undefined ? '' : `&before=${options.before}`;
      const entries = await withClient(options, (client) => {
        const base = options.all ? '/v1' : `/v1/tenants/${client.settings.tenant}`;
        const path = `${base}/audit?limit=${options.lines}${before}`;
        return client.json<AuditEntryJson[]>({ method: 'GET', path });
      });
      if (options.json) printJson(entries);
      else for (const entry of entries) print(line(entry));
    });
}

function line({ id, at, tenant, actor, action, target, before, after }: AuditEntryJson): string {
  const who = actor.kind === 'key' ? `key ${actor.keyId}` : actor.kind;
  const from = actor.address === undefined ? '' : ` from ${actor.address}`;
  const was = before === undefined ? '' : ` was ${JSON.stringify(before)}`;
  const is = after === undefined ? '' : ` is ${JSON.stringify(after)}`;
  return `${id} ${at} ${tenant ?? '-'} ${action} ${target} by ${who}${from}${was}${is}`;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(count))
    throw new InvalidArgumentError('It is a whole number from 1 on.');
  return count;
}
