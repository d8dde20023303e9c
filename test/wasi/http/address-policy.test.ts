import test from 'ava';
import {
  type AddressClass,
  classifyAddress,
  isPublicAddress,
} from '../../../host/wasi/http/address-policy.ts';

/** The edges of each range, and what lies just outside of it. */
const TABLE: readonly (readonly [address: string, expected: AddressClass])[] = [
  ['1.1.1.1', 'public'],
  ['0.0.0.0', 'unspecified'],
  ['0.255.255.255', 'unspecified'],
  ['9.255.255.255', 'public'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.64.0.0', 'shared'],
  ['100.127.255.255', 'shared'],
  ['100.128.0.0', 'public'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['169.253.255.255', 'public'],
  ['169.254.169.254', 'link-local'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['192.0.0.1', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['192.168.0.1', 'private'],
  ['192.169.0.0', 'public'],
  ['198.18.0.0', 'reserved'],
  ['198.19.255.255', 'reserved'],
  ['198.51.100.7', 'documentation'],
  ['203.0.113.7', 'documentation'],
  ['223.255.255.255', 'public'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::2', 'reserved'],
  ['::7f00:1', 'reserved'],
  ['2606:4700::1111', 'public'],
  ['fc00::1', 'unique-local'],
  ['fdff:ffff::1', 'unique-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['2606:4700::1111%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'private'],
  ['ff02::1', 'multicast'],
  ['2001:db8::1', 'documentation'],
  ['2001::1', 'reserved'],
  ['2001:1ff:ffff::', 'reserved'],
  ['2001:200::', 'public'],
  ['4000::1', 'reserved'],
  ['64:ff9b:1::1', 'private'],
  // An IPv4 address inside decides.
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::ffff:1.1.1.1', 'public'],
  ['::ffff:169.254.169.254', 'link-local'],
  ['::ffff:0:10.0.0.1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
  ['64:ff9b::1.1.1.1', 'public'],
  ['2002:7f00:1::', 'loopback'],
  ['2002:a00:1::', 'private'],
  ['2002:101:101::', 'public'],
  ['localhost', 'invalid'],
  ['127.1', 'invalid'],
  ['', 'invalid'],
];

for (const [address, expected] of TABLE) {
  test(`${address === '' ? 'nothing' : address} is ${expected}`, (t) => {
    t.is(classifyAddress(address), expected);
  });
}

test('only public addresses may be reached unnamed', (t) => {
  for (const [address, expected] of TABLE) t.is(isPublicAddress(address), expected === 'public', address);
});
