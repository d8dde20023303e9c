import type { WasiContext } from '../context.ts';
import { sendRequest } from './client-0.3.ts';
import { type HttpErrorCode, toHttpErrorCode } from './error-code.ts';
import type { Request } from './request-0.3.ts';
import type { Response } from './response-0.3.ts';

type SendResult =
  | { readonly tag: 'ok'; readonly val: Response }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/**
 * `mayfly:http/outbound#send`: what `wasi:http/client#send` does, but a plain function that returns a future.
 * Guests whose tools cannot import async functions (QuickJS is pre-initialised, and its linker has none) fetch
 * through it, and several futures are in flight at the same time.
 */
export async function sendForFuture(context: WasiContext, request: Request): Promise<SendResult> {
  try {
    return { tag: 'ok', val: await sendRequest(context, request) };
  } catch (error) {
    return { tag: 'err', val: toGuestCode(error) };
  }
}

function toGuestCode(error: unknown): HttpErrorCode {
  const isResult = typeof error === 'object' && error !== null && 'payload' in error;
  return isResult ? (error.payload as HttpErrorCode) : toHttpErrorCode(error);
}
