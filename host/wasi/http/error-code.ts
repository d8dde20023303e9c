/**
 * wasi:http's `error-code` as a typed union (the same in 0.2 and 0.3, WIT names as tags), and the one place
 * where errors of undici, node:net, node:tls and node:dns become one of its cases. What an error says in its
 * message stays here: it may name resolvers, paths or addresses of the host.
 */
import { cutText } from '../../model/cut-text.ts';

export interface DnsErrorPayload {
  readonly rcode: string | undefined;
  readonly infoCode: number | undefined;
}

export interface TlsAlertReceivedPayload {
  readonly alertId: number | undefined;
  readonly alertMessage: string | undefined;
}

export interface FieldSizePayload {
  readonly fieldName: string | undefined;
  readonly fieldSize: number | undefined;
}

/** Cases of `error-code` that carry nothing. */
type PlainTag =
  | 'DNS-timeout'
  | 'destination-not-found'
  | 'destination-unavailable'
  | 'destination-IP-prohibited'
  | 'destination-IP-unroutable'
  | 'connection-refused'
  | 'connection-terminated'
  | 'connection-timeout'
  | 'connection-read-timeout'
  | 'connection-write-timeout'
  | 'connection-limit-reached'
  | 'TLS-protocol-error'
  | 'TLS-certificate-error'
  | 'HTTP-request-denied'
  | 'HTTP-request-length-required'
  | 'HTTP-request-method-invalid'
  | 'HTTP-request-URI-invalid'
  | 'HTTP-request-URI-too-long'
  | 'HTTP-response-incomplete'
  | 'HTTP-response-timeout'
  | 'HTTP-upgrade-failed'
  | 'HTTP-protocol-error'
  | 'loop-detected'
  | 'configuration-error';

/** Cases that carry a size in bytes, as `option<u32>`. */
type SectionSizeTag =
  | 'HTTP-request-header-section-size'
  | 'HTTP-request-trailer-section-size'
  | 'HTTP-response-header-section-size'
  | 'HTTP-response-trailer-section-size';

type FieldSizeTag = 'HTTP-request-trailer-size' | 'HTTP-response-header-size' | 'HTTP-response-trailer-size';

/** `wasi:http/types.error-code`, in the shape that jco lowers. */
export type HttpErrorCode =
  | { readonly tag: PlainTag }
  | { readonly tag: 'DNS-error'; readonly val: DnsErrorPayload }
  | { readonly tag: 'TLS-alert-received'; readonly val: TlsAlertReceivedPayload }
  | { readonly tag: 'HTTP-request-body-size' | 'HTTP-response-body-size'; readonly val: bigint | undefined }
  | { readonly tag: SectionSizeTag; readonly val: number | undefined }
  | { readonly tag: 'HTTP-request-header-size'; readonly val: FieldSizePayload | undefined }
  | { readonly tag: FieldSizeTag; readonly val: FieldSizePayload }
  | {
      readonly tag: 'HTTP-response-transfer-coding' | 'HTTP-response-content-coding' | 'internal-error';
      readonly val: string | undefined;
    };

/**
 * A failure of HTTP that the guest is told about. `payload` is where jco's glue looks for the error of a
 * `result<_, error-code>`.
 */
export class OutboundError extends Error {
  override readonly name = 'OutboundError';
  readonly payload: HttpErrorCode;

  constructor(payload: HttpErrorCode, options?: ErrorOptions) {
    super(describeErrorCode(payload), options);
    this.payload = payload;
  }
}

export function internalError(text: string): HttpErrorCode {
  return { tag: 'internal-error', val: text };
}

/** Of each detail: a guest may give a code with a text as large as its memory, and what is said of it goes to its caller and into its log. */
const DETAIL_LENGTH = 500;

/** `DNS-error (NXDOMAIN)`: for logs and problem details. */
export function describeErrorCode(code: HttpErrorCode): string {
  if (!('val' in code) || code.val === undefined) return code.tag;
  const details = typeof code.val === 'object' ? Object.values(code.val) : [code.val];
  const known = details
    .filter((detail) => detail !== undefined)
    .map((detail) => cutText(String(detail), DETAIL_LENGTH));
  return known.length === 0 ? code.tag : `${code.tag} (${known.join(', ')})`;
}

/**
 * Codes of Node, OpenSSL and undici that have a counterpart. A resolver's answer that no such name exists is
 * told apart from one that it failed, because only the latter is worth another try.
 */
const BY_NODE_CODE: Readonly<Record<string, HttpErrorCode>> = {
  ENOTFOUND: { tag: 'DNS-error', val: { rcode: 'NXDOMAIN', infoCode: undefined } },
  ENODATA: { tag: 'DNS-error', val: { rcode: 'NODATA', infoCode: undefined } },
  EAI_NODATA: { tag: 'DNS-error', val: { rcode: 'NODATA', infoCode: undefined } },
  EAI_AGAIN: { tag: 'DNS-error', val: { rcode: 'SERVFAIL', infoCode: undefined } },
  EAI_FAIL: { tag: 'DNS-error', val: { rcode: 'SERVFAIL', infoCode: undefined } },
  ESERVFAIL: { tag: 'DNS-error', val: { rcode: 'SERVFAIL', infoCode: undefined } },
  EREFUSED: { tag: 'DNS-error', val: { rcode: 'REFUSED', infoCode: undefined } },
  ETIMEOUT: { tag: 'DNS-timeout' },
  ECONNREFUSED: { tag: 'connection-refused' },
  ECONNRESET: { tag: 'connection-terminated' },
  ECONNABORTED: { tag: 'connection-terminated' },
  EPIPE: { tag: 'connection-terminated' },
  ETIMEDOUT: { tag: 'connection-timeout' },
  EHOSTUNREACH: { tag: 'destination-IP-unroutable' },
  ENETUNREACH: { tag: 'destination-IP-unroutable' },
  EADDRNOTAVAIL: { tag: 'destination-IP-unroutable' },
  EHOSTDOWN: { tag: 'destination-unavailable' },
  EMFILE: { tag: 'connection-limit-reached' },
  ENFILE: { tag: 'connection-limit-reached' },
  UND_ERR_MAX_ORIGINS_REACHED: { tag: 'connection-limit-reached' },
  EPROTO: { tag: 'TLS-protocol-error' },
  UND_ERR_CONNECT_TIMEOUT: { tag: 'connection-timeout' },
  UND_ERR_HEADERS_TIMEOUT: { tag: 'connection-read-timeout' },
  UND_ERR_BODY_TIMEOUT: { tag: 'connection-read-timeout' },
  UND_ERR_HEADERS_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  UND_ERR_SOCKET: { tag: 'connection-terminated' },
  UND_ERR_ABORTED: { tag: 'connection-terminated' },
  UND_ERR_DESTROYED: { tag: 'connection-terminated' },
  UND_ERR_CLOSED: { tag: 'connection-terminated' },
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: { tag: 'HTTP-request-body-size', val: undefined },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { tag: 'HTTP-response-incomplete' },
  UND_ERR_RES_EXCEEDED_MAX_SIZE: { tag: 'HTTP-response-body-size', val: undefined },
  HPE_HEADER_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  HPE_INVALID_TRANSFER_ENCODING: { tag: 'HTTP-response-transfer-coding', val: undefined },
  HPE_INVALID_EOF_STATE: { tag: 'HTTP-response-incomplete' },
};

/** OpenSSL's verification results as Node names them. */
const CERTIFICATE_CODE =
  /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY|GET_CRL|DECRYPT|DECODE)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|CRL_/;

interface NodeLikeError {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/** The `error-code` for whatever an HTTP exchange failed with. Never throws. */
export function toHttpErrorCode(error: unknown): HttpErrorCode {
  return find(error, 0) ?? { tag: 'internal-error', val: undefined };
}

export function toOutboundError(error: unknown): OutboundError {
  return error instanceof OutboundError ? error : new OutboundError(toHttpErrorCode(error), { cause: error });
}

/** Looks at the error, then at what it wraps: connecting to several addresses fails with an AggregateError. */
function find(error: unknown, depth: number): HttpErrorCode | undefined {
  if (error instanceof OutboundError) return error.payload;
  if (typeof error !== 'object' || error === null || depth > 4) return undefined;
  const { code, reason, cause, errors } = error as NodeLikeError;
  const inner = Array.isArray(errors) ? [cause, ...errors] : [cause];
  // A wrapped OutboundError is ours and says it best, even below a code such as UND_ERR_SOCKET.
  for (const one of inner) {
    const found = find(one, depth + 1);
    if (found !== undefined) return found;
  }
  return typeof code === 'string' ? fromNodeCode(code, reason) : undefined;
}

function fromNodeCode(code: string, reason: unknown): HttpErrorCode | undefined {
  const known = BY_NODE_CODE[code];
  if (known !== undefined) return known;
  if (code.startsWith('ERR_SSL_') && code.includes('ALERT')) {
    return {
      tag: 'TLS-alert-received',
      val: { alertId: undefined, alertMessage: typeof reason === 'string' ? reason : undefined },
    };
  }
  if (CERTIFICATE_CODE.test(code)) return { tag: 'TLS-certificate-error' };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return { tag: 'TLS-protocol-error' };
  if (code.startsWith('HPE_')) return { tag: 'HTTP-protocol-error' };
  return undefined;
}
