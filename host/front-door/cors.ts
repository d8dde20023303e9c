/**
 * CORS of function URLs (the fetch standard, section 3.3). Nothing of a request is echoed but an origin that is
 * listed, letter by letter; what is refused is refused by the browser, which misses the fields.
 */
import type { IncomingMessage } from 'node:http';
import type { Cors } from '../model/url-access.ts';

export type Fields = readonly (readonly [name: string, value: string])[];

const NONE: Fields = [];

/** Fields of an answer that only the host sets where a function has CORS settings. */
export function isCorsField(name: string): boolean {
  return name.startsWith('access-control-');
}

/** Whether the host answers `incoming` itself: a browser asks before it sends the request that it means. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** What the answer to a preflight says. */
export function preflightFields(cors: Cors, { headers }: IncomingMessage): Fields {
  const vary = ['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'] as const;
  const allowed = allowedOrigin(cors, headers.origin);
  if (allowed === undefined) return [vary];
  return [
    vary,
    ...originFields(cors, allowed),
    ...listField('access-control-allow-methods', cors.allowMethods),
    ...listField('access-control-allow-headers', cors.allowHeaders),
    ['access-control-max-age', String(cors.maxAge)],
  ];
}

/** What is added to any other answer, errors included: a script may read the code of a problem. */
export function corsFields(cors: Cors | null, { headers }: IncomingMessage): Fields {
  if (cors === null) return NONE;
  const allowed = allowedOrigin(cors, headers.origin);
  // Without it, a cache would give one origin's answer to another.
  const vary: Fields = cors.allowOrigins.includes('*') ? NONE : [['vary', 'Origin']];
  if (allowed === undefined) return vary;
  return [
    ...vary,
    ...originFields(cors, allowed),
    ...listField('access-control-expose-headers', cors.exposeHeaders),
  ];
}

function allowedOrigin({ allowOrigins }: Cors, origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined;
  if (allowOrigins.includes('*')) return '*';
  return allowOrigins.includes(origin) ? origin : undefined;
}

function originFields({ allowCredentials }: Cors, allowed: string): Fields {
  const origin = ['access-control-allow-origin', allowed] as const;
  return allowCredentials ? [origin, ['access-control-allow-credentials', 'true']] : [origin];
}

function listField(name: string, values: readonly string[]): Fields {
  return values.length === 0 ? NONE : [[name, values.join(', ')]];
}
