/** Parts of a request line as WIT has them, the same in wasi:http 0.2 and 0.3. */
import type { OutboundRequest } from '../context.ts';
import { OutboundError } from './error-code.ts';

const STANDARD_METHODS = [
  'get',
  'head',
  'post',
  'put',
  'delete',
  'connect',
  'options',
  'trace',
  'patch',
] as const;

export type Method =
  | { readonly tag: (typeof STANDARD_METHODS)[number] }
  | { readonly tag: 'other'; readonly val: string };

export type Scheme = { readonly tag: 'HTTP' | 'HTTPS' } | { readonly tag: 'other'; readonly val: string };

export const GET: Method = { tag: 'get' };

const BY_NAME: ReadonlyMap<string, Method> = new Map(
  STANDARD_METHODS.map((tag): [string, Method] => [tag.toUpperCase(), { tag }]),
);

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 3986 section 3.1. */
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
/** No controls, no white space, nothing that ends an authority. */
const AUTHORITY = /^[^\s/?#@\\\p{Cc}]+$/u;
const PATH_WITH_QUERY = /^[^\s#\p{Cc}]*$/u;

/** Methods are case-sensitive: `get` is not GET but a method of its own. */
export function toMethod(name: string): Method {
  return BY_NAME.get(name) ?? { tag: 'other', val: name };
}

export function methodName(method: Method): string {
  return method.tag === 'other' ? method.val : method.tag.toUpperCase();
}

export function toScheme(scheme: 'http' | 'https'): Scheme {
  return scheme === 'http' ? { tag: 'HTTP' } : { tag: 'HTTPS' };
}

export function isMethod(method: Method): boolean {
  return method.tag !== 'other' || TOKEN.test(method.val);
}

export function isScheme(scheme: Scheme): boolean {
  return scheme.tag !== 'other' || SCHEME.test(scheme.val);
}

export function isAuthority(authority: string): boolean {
  return AUTHORITY.test(authority);
}

export function isPathWithQuery(path: string): boolean {
  return PATH_WITH_QUERY.test(path);
}

/** Where a guest's request goes. A missing scheme means https, as in wasmtime. */
export function targetOf(parts: {
  readonly method: Method;
  readonly scheme: Scheme | undefined;
  readonly authority: string | undefined;
  readonly pathWithQuery: string | undefined;
}): Pick<OutboundRequest, 'method' | 'scheme' | 'authority' | 'pathWithQuery'> {
  const { method, scheme, authority, pathWithQuery } = parts;
  if (scheme?.tag === 'other' || authority === undefined) {
    throw new OutboundError({ tag: 'HTTP-request-URI-invalid' });
  }
  return {
    method: methodName(method),
    scheme: scheme?.tag === 'HTTP' ? 'http' : 'https',
    authority,
    pathWithQuery: pathWithQuery === undefined || pathWithQuery === '' ? '/' : pathWithQuery,
  };
}
