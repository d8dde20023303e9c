/**
 * `npm run conformance`: suites that are too large to be part of `npm test`, or that come from elsewhere.
 *
 * - `npm run conformance -- spec`: the WebAssembly specification's test suite, plain against metered;
 *   `--update` writes its expectations anew; `--folder DIR` runs another copy of the suite, without expectations.
 * - `npm run conformance -- modules`: modules of the project's dependencies and others from npm, plain against metered;
 *   `--packages DIR` has the others installed.
 * - Without a name, both. The last line counts what passed and failed.
 */
import { parseArgs } from 'node:util';
import { runPackages } from './package-suite.ts';
import { runSuite } from './spec-suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    packages: { type: 'string' },
    update: { type: 'boolean', default: false },
  },
});

const SUITES: Readonly<Record<string, () => Promise<{ passed: number; failures: readonly string[] }>>> = {
  spec: async () => {
    const result = await runSuite({ folder: values.folder, isUpdate: values.update });
    const { scripts, modules, assertions, skipped, failures } = result;
    console.log(
      `spec: ${scripts} scripts, ${modules} modules, ${assertions} assertions alike, ${skipped} left out`,
    );
    return { passed: scripts, failures };
  },
  modules: () => runPackages(values.packages),
};

const names = positionals.length === 0 ? Object.keys(SUITES) : positionals;
let passed = 0;
let failed = 0;
for (const name of names) {
  const run = SUITES[name];
  if (run === undefined) throw new Error(`no suite ${name}; there are: ${Object.keys(SUITES).join(', ')}`);
  const startedAt = performance.now();
  const result = await run();
  for (const failure of result.failures) console.error(`${name}: ${failure}`);
  console.log(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  passed += result.passed;
  failed += result.failures.length;
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
