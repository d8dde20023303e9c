/**
 * `npm test`: tools, metering code, examples, style, types, tests, in this order and up to the first stage that fails. Arguments go
 * to ava. The last line counts the tests; one that is skipped or left to do counts as failed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { makeSuiteFolder } from './harness/suite-folder.ts';
import { ensureTools } from './tools.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** The script behind a package's command, so that it runs with this very Node. */
function commandOf(packageName: string, name: string): string {
  const manifestPath = join(ROOT, 'node_modules', packageName, 'package.json');
  const { bin } = require(manifestPath) as { bin: string | Record<string, string> };
  const script = typeof bin === 'string' ? bin : bin[name];
  if (script === undefined) throw new Error(`${packageName} has no command ${name}`);
  return join(dirname(manifestPath), script);
}

interface Counts {
  passed: number;
  failed: number;
}

/**
 * Longest time without a line of output. The slowest test takes a minute on a busy machine. ava has a bound of its own
 * (`timeout`), but forgets it where a test with a longer one was running when it came due.
 */
const SILENCE_MS = 300_000;
/** How long a script that was interrupted may take to say what was still running. */
const LAST_WORDS_MS = 30_000;

/** Ends a script that has gone silent: ava answers an interrupt with the names of the tests that hang. */
class SilenceWatch {
  readonly #child: ChildProcess;
  #timer: NodeJS.Timeout | undefined;
  #isInterrupted = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.heard();
    child.on('exit', () => {
      clearTimeout(this.#timer);
      // What a hanging test has left behind may hold the pipe open, and with it the event `close`.
      this.#timer = setTimeout(() => child.stdout?.destroy(), LAST_WORDS_MS);
    });
    child.on('close', () => clearTimeout(this.#timer));
  }

  heard(): void {
    if (this.#isInterrupted || this.#child.exitCode !== null) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#interrupt(), SILENCE_MS);
  }

  #interrupt(): void {
    this.#isInterrupted = true;
    console.error(`\nNothing has happened for ${SILENCE_MS / 1000} s; interrupting.`);
    this.#child.kill('SIGINT');
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), LAST_WORDS_MS);
  }
}

/**
 * Compiled and type-stripped modules, which hundreds of processes of one run load: a command of the command line starts in
 * half the time. A later run uses what an earlier one left; Node keys it by content and version.
 */
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'compiled');

/** Runs a script with this Node; `onLine` sees each line of output as it goes by. */
function runNode(args: readonly string[], onLine?: (line: string) => void): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    stdio: ['inherit', onLine ? 'pipe' : 'inherit', 'inherit'],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...(onLine ? color : {}) },
  });
  if (onLine && child.stdout) {
    const silence = new SilenceWatch(child);
    child.stdout.pipe(process.stdout, { end: false });
    createInterface({ input: child.stdout }).on('line', (line) => {
      silence.heard();
      onLine(stripVTControlCharacters(line));
    });
  }
  child.on('error', reject);
  child.on('close', (code) => resolve(code ?? 1));
  return promise;
}

/** ava prints the number of passed tests only where none failed, so its marks are counted. */
async function runTests(files: readonly string[]): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0 };
  const code = await runNode([commandOf('ava', 'ava'), ...files], (line) => {
    if (/^\s*[✔√] /.test(line)) counts.passed++;
    else if (/^\s*[✘×✖] \[(?:fail|unexpected pass)/.test(line)) counts.failed++;
    else if (/^\s*- \[(?:skip|todo)\]/.test(line)) counts.failed++;
  });
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

type Stage = readonly [name: string, run: () => Promise<number>];

const counts: Counts = { passed: 0, failed: 0 };
const STAGES: readonly Stage[] = [
  [
    'tools',
    async () => {
      ensureTools();
      return 0;
    },
  ],
  // `npm ci` compiles it, too, but what is tested is what its sources are now.
  [
    'metering code',
    () => runNode([commandOf('assemblyscript', 'asc'), '--config', 'host/instrument/assembly/asconfig.json']),
  ],
  ['examples', () => runNode(['examples/build.ts'])],
  ['style', () => runNode([commandOf('@biomejs/biome', 'biome'), 'check', '.'])],
  [
    'types',
    async () => {
      const tsc = commandOf('typescript', 'tsc');
      return (await runNode([tsc, '--noEmit'])) || runNode([tsc, '--noEmit', '-p', 'tsconfig.console.json']);
    },
  ],
  [
    'tests',
    async () => {
      const folder = makeSuiteFolder();
      try {
        Object.assign(counts, await runTests(process.argv.slice(2)));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
      return counts.failed > 0 ? 1 : 0;
    },
  ],
];

for (const [name, run] of STAGES) {
  console.log(`\n== ${name}`);
  const startedAt = performance.now();
  let code = 1;
  try {
    code = await run();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  console.log(
    `== ${name}: ${code === 0 ? 'done' : 'FAILED'} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  if (code !== 0) {
    // So that the last line never reads as if all were well.
    counts.failed ||= 1;
    process.exitCode = 1;
    break;
  }
}
console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
