/** What ships for Prometheus and Grafana: alert rules that fire when they should, a dashboard of Grafana's own shape, metrics that there are. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { promtool } from '../../harness/prometheus.ts';
import { ALERT_CASES, type AlertCase } from './alert-cases.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RULES = join(ROOT, 'docs/telemetry/alerts.yaml');
const DASHBOARD = join(ROOT, 'docs/telemetry/dashboard.json');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

async function panels(): Promise<readonly Panel[]> {
  return (JSON.parse(await readFile(DASHBOARD, 'utf8')) as { readonly panels: readonly Panel[] }).panels;
}

async function folderFor(t: ExecutionContext, parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'mayfly-shipped-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A file for `promtool test rules`; JSON is YAML. */
function ruleTests(): object {
  const test = (
    name: string,
    series: AlertCase['fires'],
    { at }: AlertCase,
    expected: readonly object[],
  ): object => ({
    interval: '1m',
    name,
    input_series: Object.entries(series).map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: expected }],
  });
  const tests = Object.entries(ALERT_CASES).flatMap(([name, one]) => {
    const { fires, quiet, labels, summary, description } = one;
    const annotations = { summary, ...(description === undefined ? {} : { description }) };
    return [
      test(name, fires, one, [{ exp_labels: labels, exp_annotations: annotations }]),
      ...quiet.map((series) => test(name, series, one, [])),
    ];
  });
  return { rule_files: [RULES], evaluation_interval: '1m', tests };
}

test('promtool finds nothing wrong with the alert rules', (t) => {
  const { status, text } = promtool(['check', 'rules', RULES]);
  t.is(status, 0, text);
});

test('each alert fires on what it is for, says what it should, and is quiet beside it', async (t) => {
  const rules = await readFile(RULES, 'utf8');
  const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  t.deepEqual(Object.keys(ALERT_CASES), names, 'an alert without a case, or the other way round');
  for (const [name, { quiet }] of Object.entries(ALERT_CASES)) t.true(quiet.length > 0, name);
  const path = join(await folderFor(t, tmpdir()), 'alerts-test.json');
  await writeFile(path, JSON.stringify(ruleTests()));
  const { status, text } = promtool(['test', 'rules', path]);
  t.is(status, 0, text);
});

test("the dashboard has the shape of Grafana's own types", async (t) => {
  // Below node_modules, so that the types are found.
  const folder = await folderFor(t, join(ROOT, 'node_modules/.cache'));
  const source = `import type { Dashboard } from '@grafana/schema';
    export const dashboard: Dashboard = ${await readFile(DASHBOARD, 'utf8')};`;
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'dashboard.ts'), source);
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'esnext',
  ];
  const checked = promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'dashboard.ts'], {
    cwd: folder,
  });
  const { stdout } = await checked.catch((error: { stdout: string }) => error);
  t.is(stdout, '');
});

test('no two panels lie over one another, and each asks the data source that was chosen', async (t) => {
  const all = await panels();
  t.is(new Set(all.map(({ id }) => id)).size, all.length);
  const taken = new Map<string, string>();
  for (const {
    title,
    type,
    gridPos: { x, y, w, h },
    datasource,
    targets = [],
  } of all) {
    t.true(x >= 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        t.is(taken.get(`${column} ${row}`), undefined, title);
        taken.set(`${column} ${row}`, title);
      }
    }
    if (type === 'row') continue;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own notation of a variable
    t.is(datasource?.uid, '${datasource}', title);
    t.true(targets.length > 0, title);
  }
});

test('dashboard and alerts name no metric that the host does not have', async (t) => {
  const documented = new Set(
    [...(await readFile(join(ROOT, 'docs/telemetry/metrics.md'), 'utf8')).matchAll(/<br>`(\w+)`/g)].map(
      ([, name]) => name!,
    ),
  );
  t.true(documented.size > 15);
  const known = (name: string): boolean =>
    // Prometheus' own, and the SDK's (its conventions say what they are).
    ['up', 'otel_sdk_processor_span_processed_total'].includes(name) ||
    documented.has(name) ||
    documented.has(name.replace(/_(bucket|count|sum)$/, ''));
  const alerts = [
    ...(await readFile(RULES, 'utf8')).matchAll(/expr: (?:\|\n)?((?:.|\n)*?)\n {8}(?:for|labels):/g),
  ].map(([, expr]) => expr!);
  t.is(alerts.length, Object.keys(ALERT_CASES).length);
  const queries = (await panels()).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  t.true(queries.length > 20);
  const expressions = [...alerts, ...queries];
  for (const expression of expressions) {
    const bare = expression
      .replaceAll(/"[^"]*"/g, '')
      .replaceAll(/\{[^}]*\}/g, '')
      .replaceAll(/by \([^)]*\)/g, '');
    const names = bare.match(/\b(?:up|(?:faas|mayfly|otel)_\w+)\b/g) ?? [];
    t.true(names.length > 0, expression);
    for (const name of names) t.true(known(name), `${name} in ${expression}`);
  }
});
