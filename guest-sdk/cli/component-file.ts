/** From a file that an author names to the bytes to upload: sources are built, components are read. */
import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { BuildError } from '../build/build-error.ts';
import { CliError } from './exit-code.ts';
import { formatBytes, formatMs, type Progress } from './terminal.ts';

const SOURCES = new Set(['.ts', '.mts', '.js', '.mjs']);

export interface ComponentFile {
  readonly bytes: Uint8Array;
  readonly buildMs?: number;
}

export interface LoadOptions {
  readonly optimizeFor?: 'speed' | 'size';
  /** Called with the absolute path of each file that goes into it, also where it cannot be built. */
  readonly onRead?: (path: string) => void;
}

/** The function's name where none is given: `src/Word_Count.ts` is `word-count`. */
export function nameFromFile(file: string): string {
  const stem = basename(file, extname(file)).toLowerCase();
  return stem
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
}

/** @throws {CliError} `usage`, with the place in the source where there is one */
export async function loadComponent(
  file: string,
  progress: Progress,
  options: LoadOptions = {},
): Promise<ComponentFile> {
  options.onRead?.(resolve(file));
  const extension = extname(file).toLowerCase();
  try {
    if (SOURCES.has(extension)) return await buildSource(file, progress, options);
    if (extension === '.wat') return await buildText(file, progress, options);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new CliError('usage', error.frame === '' ? error.message : `${error.message}\n\n${error.frame}`, {
      cause: error,
    });
  }
  if (extension !== '.wasm')
    throw new CliError('usage', `${file}: deploy a .wasm, .ts, .mts, .js, .mjs or .wat file`);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(
      'usage',
      error.code === 'ENOENT' ? `${file} does not exist` : `${file} cannot be read: ${error.message}`,
    );
  });
  return { bytes };
}

// The builder brings a bundler and an engine along (60 ms to load), which no other command needs.
async function buildSource(file: string, progress: Progress, options: LoadOptions): Promise<ComponentFile> {
  const { buildHandler } = await import('../build/handler.ts');
  const { component, ms } = await buildHandler(file, {
    ...options,
    onProgress: (step) =>
      progress.step(step === 'bundle' ? `bundling ${file}` : `making a component of ${file}`),
  });
  const buildMs = ms.bundle + ms.componentize;
  progress.note(`built ${file}: ${formatBytes(component.length)} in ${formatMs(buildMs)}`);
  return { bytes: component, buildMs };
}

async function buildText(file: string, progress: Progress, { onRead }: LoadOptions): Promise<ComponentFile> {
  const startedAt = performance.now();
  const { buildWat, witBeside } = await import('../build/wat.ts');
  onRead?.(resolve(witBeside(file)));
  progress.step(`building ${file}`);
  const bytes = await buildWat(file);
  const buildMs = performance.now() - startedAt;
  progress.note(`built ${file}: ${formatBytes(bytes.length)} in ${formatMs(buildMs)}`);
  return { bytes, buildMs };
}
