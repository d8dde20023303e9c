/**
 * The console: a web page at /console/ that shows what the API says, and asks it for changes. This serves its files as
 * they lie there; whatever the page knows it learns from /v1 with the key of whoever signed in.
 *
 * Invariants:
 *  1. What is served is on the list that is made at start; no path of a request reaches the file system.
 *  2. Every answer forbids what the page does not do: other hosts, inline scripts and styles, strings that become markup
 *     (trusted types), frames around it, windows that keep hold of it.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { Hono } from 'hono';

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

export function createConsole(): Hono {
  const files = readFiles();
  const app = new Hono();
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
