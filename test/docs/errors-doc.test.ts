import { readFile } from 'node:fs/promises';
import test from 'ava';
import { renderErrorTable } from '../../host/control-plane/error-reference.ts';
import { ERROR_TABLE } from '../../host/errors.ts';

test('docs/errors.md is what the error table renders to; run `node docs/generate-errors.ts` after a change', async (t) => {
  const document = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  t.is(document, renderErrorTable());
});

test('every code has one row, with its status', (t) => {
  const rows = renderErrorTable().split('\n');
  for (const [code, { status }] of Object.entries(ERROR_TABLE)) {
    t.is(rows.filter((row) => row.startsWith(`| \`${code}\` | ${status} |`)).length, 1, code);
  }
});
