/**
 * Fields that may not come behind a body (RFC 9110, section 6.5.1): they say where a message ends, how it is routed, who
 * sends it, how long it may be kept or how to read it. Whoever merges trailers into the head would have two answers to that.
 */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  // Framing and routing.
  'connection',
  'content-length',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Requests' modifiers.
  'cache-control',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'max-forwards',
  'pragma',
  'range',
  // Who it is.
  'authorization',
  'cookie',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'www-authenticate',
  // What a response is for.
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  // How to read the body.
  'content-encoding',
  'content-range',
  'content-type',
]);

/** @param name in lower case */
export function isTrailerName(name: string): boolean {
  return !NO_TRAILERS.has(name);
}
