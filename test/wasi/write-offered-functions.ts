/** Writes the table of `host/wasi/offered-functions.ts` anew, out of the packages; to be run when a version of them is offered that has more. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { packageFunctions } from '../harness/offered-component.ts';

const path = fileURLToPath(new URL('../../host/wasi/offered-functions.ts', import.meta.url));
const table = JSON.stringify(await packageFunctions(), null, 2);
writeFileSync(
  path,
  readFileSync(path, 'utf8').replace(/(const FUNCTIONS[^\n]*= )\{\n[\s\S]*?^\};/m, `$1${table};`),
);
execFileSync('biome', ['check', '--write', path], { stdio: 'inherit' });
