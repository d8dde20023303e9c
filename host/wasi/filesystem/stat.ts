import { type Datetime, toDatetime } from '../clocks/wall-clock.ts';
import { fail } from './error-code.ts';
import type { Node } from './node.ts';

/** `descriptor-type`, the cases that occur here. */
export type DescriptorType = 'directory' | 'regular-file' | 'symbolic-link';

/** `descriptor-stat`. */
export interface DescriptorStat {
  readonly type: DescriptorType;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Datetime;
  readonly dataModificationTimestamp: Datetime;
  readonly statusChangeTimestamp: Datetime;
}

/** `new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: 'no-change' }
  | { readonly tag: 'now' }
  | { readonly tag: 'timestamp'; readonly val: Datetime };

const TYPES = { directory: 'directory', file: 'regular-file', symlink: 'symbolic-link' } as const;

export function typeOf(node: Node): DescriptorType {
  return TYPES[node.kind];
}

function sizeOf(node: Node): bigint {
  switch (node.kind) {
    case 'file':
      return BigInt(node.data.size);
    case 'symlink':
      return BigInt(node.target.length);
    case 'directory':
      return 0n;
  }
}

export function statOf(node: Node): DescriptorStat {
  return {
    type: typeOf(node),
    linkCount: BigInt(node.links),
    size: sizeOf(node),
    dataAccessTimestamp: toDatetime(node.accessedNs),
    dataModificationTimestamp: toDatetime(node.modifiedNs),
    statusChangeTimestamp: toDatetime(node.changedNs),
  };
}

function chosenNs(choice: NewTimestamp, currentNs: bigint, nowNs: bigint): bigint {
  switch (choice.tag) {
    case 'no-change':
      return currentNs;
    case 'now':
      return nowNs;
    case 'timestamp':
      if (choice.val.nanoseconds >= 1_000_000_000) fail('invalid');
      return choice.val.seconds * 1_000_000_000n + BigInt(choice.val.nanoseconds);
  }
}

/** @throws `read-only` outside of `/tmp`, `invalid` for nanoseconds of a second or more */
export function setTimes(node: Node, accessed: NewTimestamp, modified: NewTimestamp, nowNs: bigint): void {
  if (!node.writable) fail('read-only');
  const accessedNs = chosenNs(accessed, node.accessedNs, nowNs);
  const modifiedNs = chosenNs(modified, node.modifiedNs, nowNs);
  node.accessedNs = accessedNs;
  node.modifiedNs = modifiedNs;
  node.changedNs = nowNs;
}
