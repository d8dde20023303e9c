import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHandler } from '../../guest-sdk/build/handler.ts';

/** The component of a handler whose source stands in a test: TypeScript, built as `mayfly build` does. */
export async function handlerFrom(source: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-handler-'));
  try {
    const file = join(folder, 'handler.ts');
    await writeFile(file, source);
    return (await buildHandler(file)).component;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
