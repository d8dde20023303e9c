/** docs/limits.md, rendered from the bounds that the host enforces. */
import { SETTINGS } from '../host/config.ts';
import { COMPONENT_LIMITS, FUNCTION_LIMITS, HOST_LIMITS, QUARANTINE } from '../host/limits/limits.ts';
import { TENANT_QUOTAS, UNBOUNDED } from '../host/limits/tenant-quota-limits.ts';

const HEADER = `# Limits

Generated from \`host/limits/\` and \`host/config.ts\` by \`node docs/generate.ts\`; do not edit.
`;

const UNITS = { By: 'bytes', ms: 'ms', '1': '', fuel: 'fuel' } as const;

/** The whole document, ending in a line end. */
export function renderLimits(): string {
  return [
    HEADER,
    section(
      'Of a function',
      'Set with `PATCH .../configuration`, up to the ceiling, which the operator sets with `MAYFLY_CEILING_...`. Reaching one ends that invocation alone, with a code of [errors.md](errors.md).',
      ['setting', 'unit', 'default', 'least', 'ceiling', 'about'],
      Object.entries(FUNCTION_LIMITS).map(([name, limit]) => [
        `\`${name}\``,
        UNITS[limit.unit],
        number(limit.default),
        number(limit.floor),
        number(limit.ceiling),
        limit.reason,
      ]),
    ),
    section(
      'Of a tenant',
      'Quotas, over all threads. The operator sets them with `PATCH /v1/tenants/{tenant}/quotas` or `mayfly quota set`; [quotas.md](quotas.md) says how they are counted.',
      ['quota', 'unit', 'default', 'least', 'most', 'about'],
      Object.entries(TENANT_QUOTAS).map(([name, quota]) => [
        `\`${name}\``,
        UNITS[quota.unit],
        bound(quota.default),
        number(quota.floor),
        bound(quota.hard),
        quota.reason,
      ]),
    ),
    section(
      'Of an upload',
      'Checked before anything else is done with it: over all core modules together, or of the one function, type or name that is largest.',
      ['bound', 'value'],
      Object.entries(COMPONENT_LIMITS).map(([name, value]) => [`\`${name}\``, number(value)]),
    ),
    section(
      'Of the host',
      'Bounds without a setting are fixed.',
      ['bound', 'value'],
      Object.entries(HOST_LIMITS).map(([name, value]) => [`\`${name}\``, number(value)]),
    ),
    section(
      'Of a quarantine',
      'When a function is taken out of service for killing serving threads.',
      ['bound', 'value'],
      Object.entries(QUARANTINE).map(([name, value]) => [`\`${name}\``, number(value)]),
    ),
    section(
      'Settings of the host',
      'From the environment; an unknown `MAYFLY_` variable is an error.',
      ['variable', 'meaning (default)'],
      SETTINGS.map(({ variable, about }) => [`\`${variable}\``, about]),
    ),
  ].join('\n');
}

function section(
  title: string,
  about: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |\n`);
  return `## ${title}\n\n${about}\n\n${lines.join('')}`;
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function bound(value: number): string {
  return value === UNBOUNDED ? 'none' : number(value);
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
