/**
 * A folder for what one run of the suite makes once, for all of its test files. `npm test` makes it and removes it, so that nothing in
 * it is older than the sources; a test file that is run alone has none and makes everything itself.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const VARIABLE = 'TEST_SUITE_FOLDER';

export function makeSuiteFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-suite-'));
  process.env[VARIABLE] = folder;
  return folder;
}

export function suiteFolder(): string | undefined {
  return process.env[VARIABLE];
}
