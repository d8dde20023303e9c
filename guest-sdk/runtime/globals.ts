/** Puts the web's names into the global scope. Imported before the author's code. */
import { console } from './console.ts';
import { TextDecoder, TextEncoder } from './encoding.ts';
import { fetch } from './fetch.ts';
import { Headers } from './headers.ts';
import { crypto, random } from './random.ts';
import { ReadableStream } from './readable-stream.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';
import { URL } from './url.ts';
import { URLSearchParams } from './url-search-params.ts';

Object.assign(globalThis, {
  console,
  crypto,
  fetch,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  self: globalThis,
});
Math.random = random;
