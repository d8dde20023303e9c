/**
 * Which addresses a function may reach without its configuration naming them: public unicast only. Everything
 * else leads into the operator's own network (loopback, private ranges, the cloud's metadata service at
 * 169.254.169.254), to nobody, or to many at once.
 *
 * IPv6 addresses that carry an IPv4 one (mapped, NAT64, 6to4) are judged by the address inside, because that
 * is where the packet ends up. Ranges: IANA special-purpose address registries, RFC 6890 and its updates.
 */
import { isIPv4, isIPv6 } from 'node:net';

export type AddressClass =
  | 'public'
  | 'unspecified'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'link-local'
  | 'unique-local'
  | 'multicast'
  | 'documentation'
  | 'reserved'
  | 'invalid';

type Range<T> = readonly [base: T, prefixBits: number, addressClass: AddressClass];

const V4_RANGES: readonly Range<string>[] = [
  ['0.0.0.0', 8, 'unspecified'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
];

const V6_RANGES: readonly Range<string>[] = [
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['64:ff9b:1::', 48, 'private'],
  ['100::', 64, 'reserved'],
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'documentation'],
  ['3fff::', 20, 'documentation'],
  ['5f00::', 16, 'reserved'],
  ['fc00::', 7, 'unique-local'],
  ['fe80::', 10, 'link-local'],
  ['fec0::', 10, 'private'],
  ['ff00::', 8, 'multicast'],
];

/** IPv6 prefixes with an IPv4 address in them, and how far from the right end its lowest bit is. */
const EMBEDDED_V4: readonly (readonly [base: string, prefixBits: number, shiftBits: bigint])[] = [
  ['::ffff:0:0', 96, 0n],
  ['::ffff:0:0:0', 96, 0n],
  ['64:ff9b::', 96, 0n],
  ['2002::', 16, 80n],
];

const V4_TABLE = V4_RANGES.map(([base, bits, addressClass]) => ({ base: v4Bits(base), bits, addressClass }));
const V6_TABLE = V6_RANGES.map(([base, bits, addressClass]) => ({ base: v6Bits(base), bits, addressClass }));
const EMBEDDED_TABLE = EMBEDDED_V4.map(([base, bits, shift]) => ({ base: v6Bits(base), bits, shift }));

/** `address` as an IP literal, IPv6 without brackets; a zone (`%eth0`) makes it link-local. */
export function classifyAddress(address: string): AddressClass {
  if (isIPv4(address)) return classifyV4(v4Bits(address));
  if (!isIPv6(address)) return 'invalid';
  return address.includes('%') ? 'link-local' : classifyV6(v6Bits(address));
}

export function isPublicAddress(address: string): boolean {
  return classifyAddress(address) === 'public';
}

function classifyV4(bits: bigint): AddressClass {
  return V4_TABLE.find((range) => covers(range, bits, 32))?.addressClass ?? 'public';
}

function classifyV6(bits: bigint): AddressClass {
  const embedded = EMBEDDED_TABLE.find((range) => covers(range, bits, 128));
  if (embedded !== undefined) return classifyV4((bits >> embedded.shift) & 0xffff_ffffn);
  const special = V6_TABLE.find((range) => covers(range, bits, 128));
  if (special !== undefined) return special.addressClass;
  // Only 2000::/3 has ever been assigned for unicast; ::a.b.c.d (deprecated) falls outside of it as well.
  return bits >> 125n === 0b001n ? 'public' : 'reserved';
}

function covers(
  range: { readonly base: bigint; readonly bits: number },
  bits: bigint,
  width: number,
): boolean {
  return (range.base ^ bits) >> BigInt(width - range.bits) === 0n;
}

function v4Bits(address: string): bigint {
  return address.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);
}

/** Expects what `net.isIPv6` accepts, without a zone. */
function v6Bits(address: string): bigint {
  const dotted = /^(.*:)([0-9]+(?:\.[0-9]+){3})$/.exec(address);
  if (dotted !== null) {
    const low = v4Bits(dotted[2]!);
    return v6Bits(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
