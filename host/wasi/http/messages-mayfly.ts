/**
 * `mayfly:http/messages`: a request's line and fields, or a response with its whole body, in one call each. A guest in
 * JavaScript takes 5 to 10 µs around each call of the host, and an answer by `wasi:http/types` is eight of them.
 *
 * 1. What is made here is what `wasi:http/types` would have made: the same classes, the same checks of fields and status.
 *    Where those would refuse, the guest gets nothing, and asks them for the reason.
 * 2. Bodies are bounded one by one, and all of an invocation together (`FieldsBudget`): they are in the host's memory.
 */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { WasiContext } from '../context.ts';
import { ResultError } from '../io/result-error.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { Request } from './request-0.3.ts';
import { Response } from './response-0.3.ts';

/** Each field, in fuel: as much as an element of the list that it would be otherwise (docs/fuel.md). */
export const FIELD_COST = 500;

export interface Messages {
  bytesResponse(status: number, fields: string, body: Uint8Array | undefined): Response | undefined;
  requestFields(request: Request): string;
  requestLine(request: Request): string;
  textResponse(status: number, fields: string, body: string): Response | undefined;
}

export function createMessages(context: WasiContext): Messages {
  const respond = (status: number, text: string, body: Uint8Array | undefined): Response | undefined => {
    if (body !== undefined && body.length > STREAM_BUFFER_BYTES) return undefined;
    const budget = FieldsBudget.of(context);
    try {
      const fields = FieldMap.parse(new Fields(budget), text);
      context.chargeFuel?.(FieldMap.countOf(fields) * FIELD_COST);
      if (body !== undefined) {
        budget.charge(0, body.length);
        FieldMap.declareLength(fields, body.length);
      }
      return Response.whole(status, fields, body);
    } catch (error) {
      if (error instanceof ResultError) return undefined;
      throw error;
    }
  };
  return {
    bytesResponse: respond,
    requestFields: (request) => {
      const fields = Request.fieldsOf(request);
      context.chargeFuel?.(FieldMap.countOf(fields) * FIELD_COST);
      return FieldMap.toText(fields);
    },
    requestLine: (request) => Request.lineOf(request),
    textResponse: (status, fields, body) => respond(status, fields, Buffer.from(body, 'utf8')),
  };
}
