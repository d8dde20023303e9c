/**
 * Does once, while the component is built, what nearly every invocation does: QuickJS makes its built-in functions when
 * they are first asked for, and componentize-qjs the classes of streams and futures when there is the first of each
 * (43,000 units of fuel). What is kept keeps the shapes of such objects, which QuickJS would otherwise make anew.
 */
import type { Wit } from 'mayfly:wit';
import { inspect } from './console.ts';
import { Headers } from './headers.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';
import { URL } from './url.ts';

const { wit } = globalThis as unknown as { readonly wit: Wit };

export const kept: unknown[] = [];

function makeChannels(): void {
  const { readable, writable } = wit.Stream(wit.Stream.U8);
  readable.drop();
  writable.drop();
  const future = wit.Future(wit.Future.RESULT_OPTION_OTHER_ERROR_CODE);
  future.readable.drop();
  // A future may not be given up unwritten, and nothing can be written before there is a call. Its handle is one of
  // the build's: it must never be dropped by an invocation.
  kept.push(future.writable);
}

async function exchange(): Promise<void> {
  const url = new URL('http://localhost/path?name=value');
  const headers = { 'content-type': 'application/json' };
  const request = new Request(url, { method: 'POST', headers, body: '{"a":["é",1,true,null]}' });
  const response = Response.json(await request.clone().json(), { status: 201 });
  const text = new Response(await request.text());
  kept.push(
    url,
    request,
    response,
    text,
    url.searchParams.get('name'),
    inspect({ request, list: [1, 'two'] }),
  );
  kept.push([...new Headers(headers)], Headers.toEntries(response.headers), await text.bytes());
  kept.push(request.headers.get('accept'), await Promise.all([1]), new Date(0).toISOString());
}

makeChannels();
await exchange();
