import { readFile } from 'node:fs/promises';
import { componentizeWasip1 } from '../compiler/componentize-wasip1.ts';
import { assertImportSignatures } from '../compiler/import-signatures.ts';
import { MayflyError } from '../errors/errors.ts';
import type { CheckJob, CheckVerdict } from './messages.ts';

/** Says whether publishing would still take the imports of an upload that was published before. */
export async function checkUpload({ uploadPath, upload }: CheckJob): Promise<CheckVerdict> {
  const bytes = await readFile(uploadPath);
  const component = upload === 'component' ? bytes : await componentizeWasip1(bytes, upload);
  return { refusal: refusalOf(component) };
}

function refusalOf(component: Uint8Array): string | null {
  try {
    assertImportSignatures(component);
    return null;
  } catch (error) {
    if (!(error instanceof MayflyError)) throw error;
    return error.message;
  }
}
