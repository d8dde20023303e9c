/**
 * Header fields of a request, as they came. Node's own table is not asked: it keeps the first of several
 * `Authorization` fields, of which a function would see all.
 */
import type { IncomingMessage } from 'node:http';

/** The field that holds a key where `Authorization` is the function's own business. */
export const KEY_FIELD = 'x-api-key';

/** How keys that this host has made begin; a function's own tokens are its own business. */
const OWN_BEARER = /^bearer +mayfly_/i;
const OWN_KEY = /^mayfly_/;

/** Whether a field holds a key that opens something of this host, as far as that can be seen. */
export function isOwnKey(name: string, value: string): boolean {
  return (name === 'authorization' && OWN_BEARER.test(value)) || (name === KEY_FIELD && OWN_KEY.test(value));
}

/** All values of a field, in their order. */
export function fieldValues({ rawHeaders }: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const field = rawHeaders[i]!;
    if (field.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  }
  return values;
}

/** Every field by its lower-case name, several values joined as RFC 9110, section 5.2, does it. */
export function combinedFields({ rawHeaders }: IncomingMessage): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const before = fields.get(name);
    const value = rawHeaders[i + 1]!;
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return fields;
}
