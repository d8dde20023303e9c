/**
 * The console: a web page at /console/ that shows what the API says, and asks it for changes. This serves its files as
 * they lie there; whatever the page knows it learns from /v1 with the key of whoever signed in.
 *
 * Invariants:
 *  1. What is served is on the list that is made at start; no path of a request reaches the file system.
 *  2. Nothing of it is served under a name that is kept for functions: pages there are not sandboxed.
 *  3. Every answer forbids what the page does not do: other hosts, inline scripts and styles, strings that become markup
 *     (trusted types), frames around it, windows that keep hold of it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { Hono, type MiddlewareHandler } from 'hono';
import { problemResponse } from '../control-plane/problem.ts';
import { MayflyError } from '../errors/errors.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The one library of the page; a browser loads it as it was published. */
const LIBRARY_FILES = { 'uplot.js': 'uplot/dist/uPlot.esm.js', 'uplot.css': 'uplot/dist/uPlot.min.css' };

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // A release is a new set of files; asking whether they are still the same costs an answer without a body.
  'cache-control': 'no-cache',
};

interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly type: string;
}

export interface ConsoleOptions {
  /** Whether the console is to be found under the name in a `Host` header. */
  readonly isServedAt: (host: string | undefined) => boolean;
}

export function createConsole({ isServedAt }: ConsoleOptions): Hono {
  const files = readFiles();
  const app = new Hono();
  app.use('/console', refuseElsewhere(isServedAt));
  app.use('/console/*', refuseElsewhere(isServedAt));
  app.get('/console', (c) => c.redirect('/console/', 308));
  app.get('/console/*', (c, next) => {
    const path = c.req.path.slice('/console/'.length);
    const file = files.get(path === '' ? 'index.html' : path);
    // The API's own answer for what is not there.
    if (file === undefined) return next();
    const headers = { ...HEADERS, etag: file.etag };
    if (c.req.header('if-none-match') === file.etag) return c.body(null, 304, headers);
    return c.body(file.body, 200, { ...headers, 'content-type': file.type });
  });
  return app;
}

function refuseElsewhere(isServedAt: ConsoleOptions['isServedAt']): MiddlewareHandler {
  return async (c, next) => {
    if (isServedAt(c.req.header('host'))) return next();
    const detail = 'This name is kept for functions; the console is under another one of this host.';
    return problemResponse(new MayflyError('route_not_found', detail));
  };
}

function readFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  const folder = new URL('./page/', import.meta.url);
  for (const name of readdirSync(folder)) {
    const type = MEDIA_TYPES[extname(name)];
    if (type !== undefined) files.set(name, pageFile(readFileSync(new URL(name, folder)), type));
  }
  const { resolve } = createRequire(import.meta.url);
  for (const [name, source] of Object.entries(LIBRARY_FILES)) {
    files.set(name, pageFile(readFileSync(resolve(source)), MEDIA_TYPES[extname(name)]!));
  }
  return files;
}

function pageFile(bytes: Uint8Array, type: string): PageFile {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  return { body: new Uint8Array(bytes), etag, type };
}
