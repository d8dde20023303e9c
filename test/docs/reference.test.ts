import { readFile } from 'node:fs/promises';
import test from 'ava';
import { renderErrorTable } from '../../docs/render-errors.ts';
import { renderLimits } from '../../docs/render-limits.ts';
import { renderMetrics } from '../../docs/render-metrics.ts';
import { ERROR_TABLE } from '../../host/errors/errors.ts';
import { exposedName } from '../../host/metering/telemetry/exposition.ts';
import { METRICS } from '../../host/metering/telemetry/instruments.ts';

test('docs/errors.md is what the error table renders to; run `node docs/generate.ts` after a change', async (t) => {
  const document = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  t.is(document, renderErrorTable());
});

test('every code has one row, with its status', (t) => {
  const rows = renderErrorTable().split('\n');
  for (const [code, { status }] of Object.entries(ERROR_TABLE)) {
    t.is(rows.filter((row) => row.startsWith(`| \`${code}\` | ${status} |`)).length, 1, code);
  }
});

test('docs/limits.md is what the bounds render to; run `node docs/generate.ts` after a change', async (t) => {
  const document = await readFile(new URL('../../docs/limits.md', import.meta.url), 'utf8');
  t.is(document, renderLimits());
});

test('docs/telemetry/metrics.md is what the instruments render to; run `node docs/generate.ts` after a change', async (t) => {
  const document = await readFile(new URL('../../docs/telemetry/metrics.md', import.meta.url), 'utf8');
  t.is(document, renderMetrics());
});

test('dashboard and alert rules ask for metrics and labels that there are', async (t) => {
  const known = Object.entries(METRICS).map(([name, { unit }]) => exposedName(name, unit));
  const labels = Object.values(METRICS).flatMap(({ attributes }) =>
    (attributes as readonly string[]).map((attribute) => attribute.replaceAll('.', '_')),
  );
  for (const file of ['alerts.yaml', 'dashboard.json']) {
    const text = await readFile(new URL(`../../docs/telemetry/${file}`, import.meta.url), 'utf8');
    const names = new Set(text.match(/\b(?:faas|mayfly)_[a-z_]+\b/g));
    t.true(names.size > 10, file);
    for (const name of names) {
      const metric = name.replace(/_(?:total|bucket|sum|count)$/, '');
      t.true(known.includes(name) || known.includes(metric) || labels.includes(name), `${file}: ${name}`);
    }
  }
});
