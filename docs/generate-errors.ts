/** Writes docs/errors.md; `test/docs/errors-doc.test.ts` fails until it has been run after a change. */
import { writeFileSync } from 'node:fs';
import { renderErrorTable } from '../host/control-plane/error-reference.ts';

writeFileSync(new URL('errors.md', import.meta.url), renderErrorTable());
