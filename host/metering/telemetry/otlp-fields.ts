/**
 * Parts of an OTLP message as Protocol Buffers encode them (https://protobuf.dev/programming-guides/encoding/), for what is written once
 * and copied from then on. Field numbers are those of opentelemetry/proto/{common,resource,trace}/v1.
 */
import type { Attribute } from './invocation-attributes.ts';

const VARINT = 0;
export const LENGTH_DELIMITED = 2;

export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}

export function intField(field: number, value: number): Buffer {
  return Buffer.from([...varint(field * 8 + VARINT), ...varint(value)]);
}

export function bytesField(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([...varint(field * 8 + LENGTH_DELIMITED), ...varint(length)]), ...parts]);
}

export function stringField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

/** A KeyValue in a field of its message: 9 in a span, 1 in a resource. */
export function attributeField(field: number, [key, value]: Attribute): Buffer {
  return bytesField(field, stringField(1, key), bytesField(2, anyValue(value)));
}

function anyValue(value: Attribute[1]): Buffer {
  if (typeof value === 'string') return stringField(1, value);
  return typeof value === 'boolean' ? intField(2, Number(value)) : intField(3, value);
}
