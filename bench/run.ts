/**
 * `npm run bench -- NAME [--json FILE] [--plot FILE]`: runs one bench, prints its figures as a table, and writes them
 * as JSON for whoever compares runs, and as a drawing (SVG) if the bench has one. Without a name it lists the benches. A bench compares inside of one run: its ratios mean
 * something on a busy machine, too; its absolute figures only beside the machine they come with.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';

/** One thing measured, in the unit of its name (`rps`, `p50Ms`, ...). */
export type Figures = Readonly<Record<string, number>>;

export interface BenchReport {
  /** What a bench is judged by: one figure over another of the same run. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly results: Readonly<Record<string, Figures>>;
}

/** A module `bench/NAME.ts`. */
export interface Bench {
  /** One line: what is compared with what. */
  readonly summary: string;
  /** What a reader must not conclude. */
  readonly notMeasured: readonly string[];
  run(): Promise<BenchReport>;
  /** The report as a drawing (SVG). */
  plot?(report: BenchReport): string;
}

const FOLDER = new URL('./', import.meta.url);

async function benchNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files
    .filter((file) => /^[a-z0-9-]+\.ts$/.test(file) && file !== 'run.ts')
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
}

async function load(name: string): Promise<Bench> {
  return (await import(new URL(`${name}.ts`, FOLDER).href)) as Bench;
}

/** What the figures depend on. */
async function machine(): Promise<Record<string, string | number>> {
  const release = await readFile('/proc/sys/kernel/osrelease', 'utf8').catch(() => '');
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform} ${process.arch} ${release}`.trim(),
    node: process.version,
    v8: process.versions.v8,
  };
}

function printReport({ summary, notMeasured }: Bench, { ratios, results }: BenchReport): void {
  const round = (value: number): number => Number(value.toPrecision(4));
  const rounded = (figures: Figures): Figures =>
    Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));
  console.log(summary);
  console.table(Object.fromEntries(Object.entries(results).map(([name, row]) => [name, rounded(row)])));
  console.table(
    Object.fromEntries(Object.entries(ratios).map(([name, value]) => [name, { ratio: round(value) }])),
  );
  console.log('Not measured:');
  for (const line of notMeasured) console.log(`- ${line}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'string' }, plot: { type: 'string' } },
    allowPositionals: true,
  });
  const names = await benchNames();
  const [name] = positionals;
  if (positionals.length !== 1 || name === undefined || !names.includes(name)) {
    if (positionals.length > 0) console.error(`There is no bench '${positionals.join(' ')}'.`);
    console.log('npm run bench -- NAME [--json FILE] [--plot FILE]\n');
    for (const each of names) console.log(`  ${each.padEnd(12)} ${(await load(each)).summary}`);
    return positionals.length === 0 ? 0 : 2;
  }
  const bench = await load(name);
  const report = await bench.run();
  printReport(bench, report);
  if (values.json !== undefined) {
    const { ratios, results } = report;
    const json = JSON.stringify({ name, machine: await machine(), ratios, results }, null, 2);
    await writeFile(values.json, `${json}\n`);
  }
  if (values.plot !== undefined && bench.plot !== undefined) await writeFile(values.plot, bench.plot(report));
  return 0;
}

process.exitCode = await main();
