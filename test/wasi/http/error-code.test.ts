import test from 'ava';
import { errors } from 'undici';
import {
  describeErrorCode,
  type HttpErrorCode,
  OutboundError,
  toHttpErrorCode,
  toOutboundError,
} from '../../../host/wasi/http/error-code.ts';

function nodeError(code: string, rest: object = {}): Error {
  return Object.assign(new Error(`${code} at 10.1.2.3 of the host`), { code, ...rest });
}

const TABLE: readonly (readonly [error: unknown, tag: HttpErrorCode['tag']])[] = [
  [nodeError('ENOTFOUND'), 'DNS-error'],
  [nodeError('EAI_AGAIN'), 'DNS-error'],
  [nodeError('ETIMEOUT'), 'DNS-timeout'],
  [nodeError('ECONNREFUSED'), 'connection-refused'],
  [nodeError('ECONNRESET'), 'connection-terminated'],
  [nodeError('ETIMEDOUT'), 'connection-timeout'],
  [nodeError('ENETUNREACH'), 'destination-IP-unroutable'],
  [nodeError('DEPTH_ZERO_SELF_SIGNED_CERT'), 'TLS-certificate-error'],
  [nodeError('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'TLS-certificate-error'],
  [nodeError('ERR_TLS_CERT_ALTNAME_INVALID'), 'TLS-certificate-error'],
  [nodeError('ERR_SSL_WRONG_VERSION_NUMBER'), 'TLS-protocol-error'],
  [nodeError('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'), 'TLS-alert-received'],
  [nodeError('HPE_INVALID_CONSTANT'), 'HTTP-protocol-error'],
  [new errors.ConnectTimeoutError(), 'connection-timeout'],
  [new errors.HeadersTimeoutError(), 'connection-read-timeout'],
  [new errors.BodyTimeoutError(), 'connection-read-timeout'],
  [new errors.HeadersOverflowError(), 'HTTP-response-header-section-size'],
  [new errors.SocketError('other side closed'), 'connection-terminated'],
  [new errors.RequestContentLengthMismatchError(), 'HTTP-request-body-size'],
  [new AggregateError([nodeError('ECONNREFUSED'), nodeError('ENETUNREACH')]), 'connection-refused'],
  [new Error('outer', { cause: nodeError('ECONNRESET') }), 'connection-terminated'],
  [nodeError('UND_ERR_SOCKET', { cause: new OutboundError({ tag: 'loop-detected' }) }), 'loop-detected'],
  [nodeError('EWHATEVER'), 'internal-error'],
  [undefined, 'internal-error'],
];

for (const [error, tag] of TABLE) {
  test(`${error instanceof Error ? error.message : String(error)} becomes ${tag}`, (t) => {
    t.is(toHttpErrorCode(error).tag, tag);
  });
}

test('no error-code repeats what the message of an error says about the host', (t) => {
  for (const [error] of TABLE) t.notRegex(describeErrorCode(toHttpErrorCode(error)), /10\.1\.2\.3/);
});

test('a missing name and a failing resolver are told apart', (t) => {
  t.deepEqual(toHttpErrorCode(nodeError('ENOTFOUND')), {
    tag: 'DNS-error',
    val: { rcode: 'NXDOMAIN', infoCode: undefined },
  });
  t.is(describeErrorCode(toHttpErrorCode(nodeError('EAI_AGAIN'))), 'DNS-error (SERVFAIL)');
  const long = describeErrorCode({ tag: 'internal-error', val: 'x'.repeat(10_000) });
  t.is(long, `internal-error (${'x'.repeat(500)})`, 'a guest may say more than anybody wants to read');
});

test('the payload is an own property, where the glue looks for it', (t) => {
  const error = toOutboundError(nodeError('ECONNREFUSED'));
  t.true(Object.hasOwn(error, 'payload'));
  t.is(toOutboundError(error), error);
});
