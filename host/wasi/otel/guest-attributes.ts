/** Attributes as `wasi:otel/types` has them, bounded and without the names that are the host's. */
import { GUEST_SPANS } from '../../limits/limits.ts';
import { cutText } from '../../model/cut-text.ts';
import type { AttributeValue, GuestAttributes } from '../../model/guest-span.ts';

/** `wasi:otel/types#key-value`; the value is JSON. */
export interface WitKeyValue {
  readonly key: string;
  readonly value: string;
}

/** What is left of a guest's attributes, and about how many bytes keeping them takes. */
export interface TakenAttributes {
  readonly attributes: GuestAttributes;
  readonly leftOut: number;
  readonly bytes: number;
}

/**
 * Namespaces in which only the host speaks: what was called, by whom, on what. The others are what resources are described with, which some
 * receivers put beside a span's own attributes.
 */
const HOSTS_NAMESPACES: ReadonlySet<string> = new Set([
  'mayfly',
  'faas',
  'service',
  'telemetry',
  'otel',
  'host',
  'process',
  'container',
  'k8s',
  'cloud',
  'deployment',
]);

/** Of a pair: the array, its two references and the header of a string. */
const PAIR_BYTES = 64;

/** @param limit pairs that may be kept */
export function takeAttributes(
  pairs: readonly WitKeyValue[],
  limit: number = GUEST_SPANS.attributes,
): TakenAttributes {
  const taken = new Map<string, AttributeValue>();
  let leftOut = 0;
  let bytes = 0;
  for (const { key, value } of pairs) {
    if (!isFree(key) || (taken.size >= limit && !taken.has(key))) leftOut++;
    else {
      const read = readValue(value);
      taken.set(key, read);
      bytes += PAIR_BYTES + key.length + sizeOf(read);
    }
  }
  return { attributes: [...taken], leftOut, bytes };
}

function isFree(key: string): boolean {
  if (key === '' || key.length > GUEST_SPANS.nameLength) return false;
  return !HOSTS_NAMESPACES.has(key.split('.', 1)[0]!.toLowerCase());
}

/** What is no JSON, and JSON that is no attribute's value, is kept as the text that it is. */
function readValue(json: string): AttributeValue {
  // Longer than any value that would be kept whole.
  if (json.length > GUEST_SPANS.valueLength * GUEST_SPANS.valueItems) return cut(json);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return cut(json);
  }
  if (isScalar(value)) return typeof value === 'string' ? cut(value) : value;
  if (!Array.isArray(value)) return cut(json);
  const items: readonly unknown[] = value.slice(0, GUEST_SPANS.valueItems);
  if (items.every((item) => typeof item === 'string')) return items.map(cut);
  if (items.every((item) => typeof item === 'number')) return items;
  return items.every((item) => typeof item === 'boolean') ? items : cut(json);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function cut(text: string): string {
  return cutText(text, GUEST_SPANS.valueLength);
}

function sizeOf(value: AttributeValue): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object') return 8;
  return value.reduce((sum: number, item) => sum + sizeOf(item), 16);
}
