/**
 * The WebAssembly specification's test suite, metered against not. Every script's counts are held by an expectations
 * file, so that a new failure shows and so does a new pass; a difference between the two worlds always fails.
 */
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript, type ScriptReport } from './spec-script.ts';
import { fetchSuite, SUITE_SCRIPTS } from './suite-source.ts';

const EXPECTATIONS = fileURLToPath(new URL('spec-suite.json', import.meta.url));

type Counts = Omit<ScriptReport, 'differences'>;

export interface SuiteResult {
  readonly scripts: number;
  readonly modules: number;
  readonly assertions: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}

export interface SuiteOptions {
  /** A folder that has the suite. What it holds is run, and compared with no expectations. */
  readonly folder?: string | undefined;
  /** Writes the expectations down instead of comparing with them. */
  readonly isUpdate?: boolean;
}

export async function runSuite(options: SuiteOptions = {}): Promise<SuiteResult> {
  if (options.folder !== undefined)
    return summarize(await runFolder(options.folder, ['**/*.wast']), undefined);
  await using suite = await fetchSuite();
  const reports = await runFolder(suite.path, SUITE_SCRIPTS);
  if (options.isUpdate) {
    await writeFile(EXPECTATIONS, printExpectations(reports));
    return summarize(reports, undefined);
  }
  const expected = JSON.parse(await readFile(EXPECTATIONS, 'utf8')) as Record<string, Counts>;
  return summarize(reports, expected);
}

async function runFolder(folder: string, patterns: readonly string[]): Promise<Map<string, ScriptReport>> {
  const reports = new Map<string, ScriptReport>();
  const paths = globSync([...patterns], { cwd: folder }).sort();
  if (paths.length === 0) throw new Error(`no scripts in ${folder}`);
  for (const path of paths) reports.set(path, await runScript(await readFile(join(folder, path), 'utf8')));
  return reports;
}

function countsOf({ modules, assertions, unexpected, fuel, skipped }: ScriptReport): Counts {
  const reasons = Object.fromEntries(Object.entries(skipped).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    modules,
    assertions,
    unexpected,
    ...(fuel === undefined ? {} : { fuel }),
    skipped: reasons,
  } as Counts;
}

function summarize(
  reports: ReadonlyMap<string, ScriptReport>,
  expected: Readonly<Record<string, Counts>> | undefined,
): SuiteResult {
  const failures: string[] = [];
  const sum = { scripts: reports.size, modules: 0, assertions: 0, skipped: 0 };
  for (const [path, report] of reports) {
    sum.modules += report.modules;
    sum.assertions += report.assertions;
    for (const count of Object.values(report.skipped)) sum.skipped += count;
    failures.push(...report.differences.map((difference) => `${path}, ${difference}`));
    if (expected === undefined) continue;
    for (const change of changes(countsOf(report), expected[path])) failures.push(`${path}: ${change}`);
  }
  for (const path of Object.keys(expected ?? {}))
    if (!reports.has(path)) failures.push(`${path} is not there`);
  return { ...sum, failures };
}

function changes(actual: Counts, wanted: Counts | undefined): string[] {
  if (wanted === undefined) return ['is not expected'];
  const names = [...new Set([...Object.keys(actual), ...Object.keys(wanted)])] as (keyof Counts)[];
  const pairs = names.map((name) => [name, JSON.stringify(actual[name]), JSON.stringify(wanted[name])]);
  return pairs
    .filter(([, is, was]) => is !== was)
    .map(([name, is, was]) => `${name} ${is} instead of ${was}`);
}

/** As the formatter would have it. */
function printExpectations(reports: ReadonlyMap<string, ScriptReport>): string {
  const counts = [...reports].map(([path, report]) => [path, countsOf(report)] as const);
  return `${JSON.stringify(Object.fromEntries(counts), null, 2)}\n`;
}
