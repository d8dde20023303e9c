/**
 * What an answer may be, whatever was asked:
 *
 * 1. There is one, in HTTP/1.1, and the connection ends behind it.
 * 2. One of 400 or more is problem details, with a code of the error table and the status that it has there; and that code
 *    is not `internal_error`, which stands for what nobody has thought of.
 * 3. One to a request for a described operation has a status and a body that the description has. Refusals of what
 *    is no such request (its head too large, say) come before.
 */
import type { z } from 'zod';
import { ERROR_TABLE, type ErrorCode } from '../../../host/errors/errors.ts';
import { compile, type OpenApiDocument, operationsOf } from '../openapi-contract.ts';
import type { FuzzRequest } from './fuzz-request.ts';

/** Of the server itself, before any operation. */
const BEFORE_ROUTES: ReadonlySet<string> = new Set([
  'invalid_request',
  'request_headers_too_large',
  'too_many_connections',
  'route_not_found',
  'method_not_allowed',
]);

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export class AnswerJudge {
  readonly #document: OpenApiDocument;
  readonly #compiled = new Map<object, z.ZodType>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
  }

  /** What is wrong with what came back, or undefined; and what it counts as. */
  judge(request: FuzzRequest, received: string): { readonly breach?: string; readonly outcome: string } {
    const answer = parse(received, request.isHead);
    if (typeof answer === 'string') return { breach: answer, outcome: 'no answer' };
    const outcome = `${answer.status}`;
    const breach = this.#breachOf(request, answer);
    return breach === undefined ? { outcome } : { breach, outcome };
  }

  #breachOf(request: FuzzRequest, answer: Answer): string | undefined {
    if (answer.status < 400) return this.#undescribed(request, answer);
    if (request.isHead) return undefined;
    const code = codeOf(answer);
    if (code === undefined)
      return `${answer.status} ${answer.type} is no problem of the table: ${answer.body.slice(0, 200)}`;
    if (ERROR_TABLE[code].status !== answer.status) return `${code} has the status ${answer.status}`;
    if (code === 'internal_error') return 'internal_error';
    return BEFORE_ROUTES.has(code) ? undefined : this.#undescribed(request, answer);
  }

  #undescribed({ operationId }: FuzzRequest, { status, type, body }: Answer): string | undefined {
    const entry = operationsOf(this.#document).find(({ operation }) => operation.operationId === operationId);
    if (entry === undefined) return undefined;
    const described = entry.operation.responses[status] ?? entry.operation.responses['default'];
    if (described === undefined) return `${operationId}: status ${status} is not described`;
    if (described.content === undefined) return body === '' ? undefined : `${operationId}: there is a body`;
    const media = described.content[type] ?? described.content['*/*'];
    if (media === undefined) return `${operationId}: media type ${type} is not described`;
    if (!/json$/.test(type) || type.includes('ndjson') || described.content[type] === undefined)
      return undefined;
    const error = this.#schema(media.schema).safeParse(JSON.parse(body)).error;
    return error && `${operationId}: ${error.message}`;
  }

  #schema(schema: object): z.ZodType {
    const compiled = this.#compiled.get(schema) ?? compile(this.#document, schema);
    this.#compiled.set(schema, compiled);
    return compiled;
  }
}

function codeOf({ type, body }: Answer): ErrorCode | undefined {
  if (type !== 'application/problem+json') return undefined;
  const { code } = JSON.parse(body) as { code: string };
  return code in ERROR_TABLE ? (code as ErrorCode) : undefined;
}

/** The last response of what came: interim ones go before it. */
function parse(received: string, isHead: boolean): Answer | string {
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(rest) ?? [];
    if (end === -1 || status === undefined) return `no answer: ${JSON.stringify(rest.slice(0, 100))}`;
    const head = rest.slice(0, end);
    rest = rest.slice(end + 4);
    if (status.startsWith('1')) continue;
    const field = (name: string): string => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1] ?? '';
    const type = field('content-type').split(';')[0]!.trim();
    const length = field('content-length');
    if (!isHead && length !== '' && rest.length !== Number(length) && status !== '304')
      return `${rest.length} bytes of a body of ${length}`;
    const body = field('transfer-encoding') === 'chunked' ? dechunked(rest) : rest;
    if (body === undefined) return 'the body breaks off';
    return { status: Number(status), type, body: Buffer.from(body, 'latin1').toString() };
  }
}

function dechunked(text: string): string | undefined {
  let [at, body] = [0, ''];
  for (;;) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (line === -1 || Number.isNaN(size)) return undefined;
    if (size === 0) return body;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
