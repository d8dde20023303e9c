/**
 * Takes an upload from the wire to a file: bounded, hashed on the way, never in memory as a whole.
 *
 * Invariant: a file of this module exists only between {@link receiveUpload} returning and its caller's
 * {@link discardUpload}; whatever fails between the first and the last byte removes it. What a killed process
 * leaves belongs to nobody, and a host empties the folder before it serves.
 */
import { createHash, randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { MayflyError } from '../errors/errors.ts';
import type { Digest } from '../model/ids.ts';

export interface StagedUpload {
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
}

export interface StagingOptions {
  readonly folder: string;
  readonly maxBytes: number;
}

const UPLOAD_SUFFIX = '.upload';
const COMPONENT_MEDIA_TYPE = 'application/wasm';

/**
 * @throws MayflyError unsupported_media_type, component_too_large (by the announced length, or as soon as the
 *   bytes exceed it), component_malformed for an empty body, caller_gone
 */
export async function receiveUpload(request: Request, options: StagingOptions): Promise<StagedUpload> {
  requireMediaType(request.headers);
  // Node's parser has refused a content-length that is no number.
  if (Number(request.headers.get('content-length') ?? 0) > options.maxBytes) throw tooLarge(options.maxBytes);
  if (!request.body) throw empty();
  const path = join(options.folder, `${randomUUID()}${UPLOAD_SUFFIX}`);
  try {
    const { digest, bytes } = await writeBody(request.body, path, options.maxBytes);
    if (bytes === 0) throw empty();
    return { path, digest, bytes };
  } catch (error) {
    await remove(path);
    throw error;
  }
}

export function discardUpload(upload: StagedUpload): Promise<void> {
  return remove(upload.path);
}

/** `rm` would look at it first, without letting go of the thread. */
async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function writeBody(
  body: ReadableStream<Uint8Array>,
  path: string,
  maxBytes: number,
): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const hash = createHash('sha256');
  const reader = body.getReader();
  const file = await open(path, 'wx', 0o600);
  let bytes = 0;
  try {
    for (;;) {
      const chunk = await readChunk(reader);
      if (!chunk) break;
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      // Awaiting the disk before the next read is what makes a fast sender wait for a slow disk.
      await file.appendFile(chunk);
    }
  } finally {
    await file.close();
    reader.releaseLock();
  }
  return { digest: `sha256:${hash.digest('hex')}` as Digest, bytes };
}

/** A body fails to read for one reason: its sender is gone, or sent fewer bytes than announced. */
async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    const { done, value } = await reader.read();
    return done ? undefined : value;
  } catch (cause) {
    throw new MayflyError('caller_gone', 'The upload broke off.', { cause });
  }
}

function requireMediaType(headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== COMPONENT_MEDIA_TYPE) {
    const sent = type ? `not ${type.slice(0, 100)}` : 'and none was sent';
    throw new MayflyError(
      'unsupported_media_type',
      `The content type must be ${COMPONENT_MEDIA_TYPE}, ${sent}.`,
      {
        field: 'content-type',
      },
    );
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new MayflyError('unsupported_media_type', 'An upload must have no content encoding.', {
      field: 'content-encoding',
    });
  }
}

function tooLarge(maxBytes: number): MayflyError {
  return new MayflyError('component_too_large', `A component may have up to ${maxBytes} bytes.`);
}

function empty(): MayflyError {
  return new MayflyError('component_malformed', 'The body is empty.');
}
