/**
 * `URL` for the schemes http, https, ws, wss and ftp: the "special" ones of https://url.spec.whatwg.org that a
 * function meets, plus absolute URLs of other schemes kept as they are. Left out, to stay at 5 KB instead of the
 * 300 KB of a complete one with its Unicode tables: internationalised host names (an error says so) and the
 * numeric notations of IPv4 addresses other than four decimal parts.
 */
import { percentDecode, URLSearchParams } from './url-search-params.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  'http:': '80',
  'https:': '443',
  'ws:': '80',
  'wss:': '443',
  'ftp:': '21',
};
/**
 * An absolute URL that is its own normal form, in its parts: no user, a port that is no default one, nothing to encode
 * and no segment that begins with a dot. Such are nearly all that a function meets, and one match is a tenth of the work.
 */
const PLAIN =
  /^(https?:)\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{3}))?((?:\/(?![.%])[!$%&'()*+,\-.0-9:;=@A-Z[\]_a-z|~]*)+)(\?[!$-&(-;=?-~]+)?$/;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/** Encodes what may not stand in a part; escapes that are there already stay. */
function encodePart(text: string, disallowed: RegExp): string {
  return text.toWellFormed().replace(disallowed, (part) => {
    const encoded = encodeURIComponent(part);
    return encoded === part ? `%${part.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : encoded;
  });
}
const encodePath = (text: string): string => encodePart(text, /[^!$-;=@-\]_a-z|~]/gu);
const encodeQuery = (text: string): string => encodePart(text, /[^!$-&(-;=?-~]/gu);
const encodeFragment = (text: string): string => encodePart(text, /[^!#-;=?-_a-~]/gu);
const encodeUserInfo = (text: string): string => encodePart(text, /[^!$-.0-9A-Z_a-z~]/gu);

function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  segments.forEach((segment, index) => {
    const plain = segment.replace(/%2e/gi, '.');
    const isLast = index === segments.length - 1;
    if (plain === '..') {
      kept.pop();
      if (isLast) kept.push('');
    } else if (plain === '.') {
      if (isLast) kept.push('');
    } else kept.push(segment);
  });
  return `/${kept.join('/')}`;
}

function checkedHost(text: string, input: string): string {
  if (/^\[[0-9a-f:.]+\]$/i.test(text)) return text.toLowerCase();
  const host = percentDecode(text).toLowerCase();
  if (/[^ -~]/.test(host))
    throw new TypeError(
      `Invalid URL: ${input}: write an internationalised host name in its ASCII form (xn--...)`,
    );
  if (host === '' || /[^!$&-.0-9;=A-Z_a-z~]/.test(host)) throw new TypeError(`Invalid URL: ${input}`);
  return host;
}

/** `new URL(href).href`, for less. */
export function normalisedHref(href: string): string {
  return PLAIN.test(href) ? href : new URL(href).href;
}

export class URL {
  #protocol = '';
  #username = '';
  #password = '';
  #hostname = '';
  #port = '';
  #pathname = '';
  #search = '';
  #hash = '';
  #params: URLSearchParams | undefined;

  constructor(input: string | URL, base?: string | URL) {
    const plain = PLAIN.exec(input as string);
    if (plain !== null) {
      this.#protocol = plain[1] as string;
      this.#hostname = plain[2] as string;
      this.#port = plain[3] ?? '';
      this.#pathname = plain[4] as string;
      this.#search = plain[5] ?? '';
      return;
    }
    const text = String(input)
      .replace(/^[^!-\uffff]+|[^!-\uffff]+$/g, '')
      .replace(/[\t\n\r]/g, '');
    const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
    if (scheme !== undefined) this.#parseAbsolute(text, `${scheme}:`);
    else if (base === undefined) throw new TypeError(`Invalid URL: ${text}`);
    else this.#parseRelative(text, base instanceof URL ? base : new URL(base));
  }

  static canParse(input: string | URL, base?: string | URL): boolean {
    return URL.parse(input, base) !== null;
  }

  static parse(input: string | URL, base?: string | URL): URL | null {
    try {
      return new URL(input, base);
    } catch {
      return null;
    }
  }

  #parseAbsolute(text: string, protocol: string): void {
    this.#protocol = protocol;
    const rest = this.#cutHashAndQuery(text.slice(protocol.length));
    if (!(protocol in DEFAULT_PORTS)) {
      this.#pathname = rest;
      return;
    }
    const [, authority = '', path = ''] = /^[/\\]*([^/\\]*)(.*)$/s.exec(rest) ?? [];
    this.#parseAuthority(authority, text);
    this.#setPath(path);
  }

  #parseRelative(text: string, base: URL): void {
    const isSpecial = base.#protocol in DEFAULT_PORTS;
    if (!isSpecial) throw new TypeError(`Invalid URL: ${text} with base ${base.href}`);
    const rest = text.replace(/^[^?#]*/, (path) => path.replaceAll('\\', '/'));
    if (rest.startsWith('//')) {
      this.#parseAbsolute(`${base.#protocol}${rest}`, base.#protocol);
      return;
    }
    this.#protocol = base.#protocol;
    this.#username = base.#username;
    this.#password = base.#password;
    this.#hostname = base.#hostname;
    this.#port = base.#port;
    const path = this.#cutHashAndQuery(rest);
    if (path === '') {
      this.#pathname = base.#pathname;
      if (!rest.startsWith('?')) this.#search = base.#search;
    } else if (path.startsWith('/')) this.#setPath(path);
    else this.#setPath(base.#pathname.replace(/[^/]*$/, '') + path);
  }

  #cutHashAndQuery(text: string): string {
    let rest = text;
    const hashAt = rest.indexOf('#');
    if (hashAt >= 0) {
      this.hash = rest.slice(hashAt);
      rest = rest.slice(0, hashAt);
    }
    const queryAt = rest.indexOf('?');
    if (queryAt >= 0) {
      this.search = rest.slice(queryAt);
      rest = rest.slice(0, queryAt);
    }
    return rest;
  }

  #parseAuthority(authority: string, input: string): void {
    const at = authority.lastIndexOf('@');
    if (at >= 0) {
      const userInfo = authority.slice(0, at);
      const colon = userInfo.indexOf(':');
      this.username = colon < 0 ? userInfo : userInfo.slice(0, colon);
      this.password = colon < 0 ? '' : userInfo.slice(colon + 1);
    }
    const [, host = '', port = ''] = /^(\[.*\]|[^:]*)(?::([^:]*))?$/.exec(authority.slice(at + 1)) ?? [];
    this.#hostname = checkedHost(host, input);
    if (!/^[0-9]*$/.test(port) || Number(port) > 65_535) throw new TypeError(`Invalid URL: ${input}`);
    this.port = port;
  }

  #setPath(path: string): void {
    const slashed = path.replaceAll('\\', '/');
    this.#pathname = removeDotSegments(encodePath(slashed.startsWith('/') ? slashed : `/${slashed}`));
  }

  get protocol(): string {
    return this.#protocol;
  }
  /** Only from one of the schemes above to another, as the standard has it. */
  set protocol(value: string) {
    const protocol = `${value.replace(/:.*$/s, '').toLowerCase()}:`;
    if (!(protocol in DEFAULT_PORTS) || !(this.#protocol in DEFAULT_PORTS)) return;
    this.#protocol = protocol;
    this.port = this.#port;
  }

  get username(): string {
    return this.#username;
  }
  set username(value: string) {
    this.#username = encodeUserInfo(value);
  }

  get password(): string {
    return this.#password;
  }
  set password(value: string) {
    this.#password = encodeUserInfo(value);
  }

  get hostname(): string {
    return this.#hostname;
  }
  set hostname(value: string) {
    this.#hostname = checkedHost(value, value);
  }

  get port(): string {
    return this.#port;
  }
  set port(value: string) {
    if (!/^[0-9]*$/.test(value) || Number(value) > 65_535) return;
    const port = value === '' ? '' : String(Number(value));
    this.#port = port === DEFAULT_PORTS[this.#protocol] ? '' : port;
  }

  get host(): string {
    return this.#port === '' ? this.#hostname : `${this.#hostname}:${this.#port}`;
  }

  set host(value: string) {
    const [, host = '', port] = /^(\[.*\]|[^:]*)(?::([0-9]*))?$/.exec(value) ?? [];
    this.hostname = host;
    if (port !== undefined) this.port = port;
  }

  get origin(): string {
    return this.#protocol in DEFAULT_PORTS ? `${this.#protocol}//${this.host}` : 'null';
  }

  get pathname(): string {
    return this.#pathname;
  }
  set pathname(value: string) {
    this.#setPath(value);
  }

  get search(): string {
    return this.#search;
  }
  set search(value: string) {
    const query = value.startsWith('?') ? value.slice(1) : value;
    this.#search = query === '' ? '' : `?${encodeQuery(query)}`;
    this.#params = undefined;
  }

  get searchParams(): URLSearchParams {
    if (this.#params) return this.#params;
    const params: URLSearchParams = new URLSearchParams(this.#search, () => {
      const query = String(params);
      if (this.#params === params) this.#search = query === '' ? '' : `?${query}`;
    });
    this.#params = params;
    return params;
  }

  get hash(): string {
    return this.#hash;
  }
  set hash(value: string) {
    const fragment = value.startsWith('#') ? value.slice(1) : value;
    this.#hash = fragment === '' ? '' : `#${encodeFragment(fragment)}`;
  }

  get href(): string {
    if (!(this.#protocol in DEFAULT_PORTS))
      return `${this.#protocol}${this.#pathname}${this.#search}${this.#hash}`;
    const password = this.#password === '' ? '' : `:${this.#password}`;
    const userInfo = this.#username + password === '' ? '' : `${this.#username}${password}@`;
    return `${this.#protocol}//${userInfo}${this.host}${this.#pathname}${this.#search}${this.#hash}`;
  }

  set href(value: string) {
    const url = new URL(value);
    this.#protocol = url.#protocol;
    this.#username = url.#username;
    this.#password = url.#password;
    this.#hostname = url.#hostname;
    this.#port = url.#port;
    this.#pathname = url.#pathname;
    this.search = url.#search;
    this.#hash = url.#hash;
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }
}
