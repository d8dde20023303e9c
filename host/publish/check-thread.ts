/** Thread entry: says whether publishing would still take the imports of an upload that was published before. */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { componentizeWasip1 } from '../compiler/componentize-wasip1.ts';
import { assertImportSignatures } from '../compiler/import-signatures.ts';
import { MayflyError } from '../errors/errors.ts';
import type { CheckThreadData, CheckVerdict } from './messages.ts';

const { uploadPath, upload } = workerData as CheckThreadData;
const bytes = await readFile(uploadPath);
const component = upload === 'component' ? bytes : await componentizeWasip1(bytes, upload);
parentPort!.postMessage({ refusal: refusalOf(component) } satisfies CheckVerdict);

function refusalOf(component: Uint8Array): string | null {
  try {
    assertImportSignatures(component);
    return null;
  } catch (error) {
    if (!(error instanceof MayflyError)) throw error;
    return error.message;
  }
}
