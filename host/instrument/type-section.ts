import { boundedCount, type DeclarationScan, tooMany } from './declaration-scan.ts';
import { InstrumentError } from './error.ts';
import { ARRAY_BYTES, elementBytes, fieldBytes, STRUCT_BYTES } from './object-size.ts';
import type { Cursor } from './reader.ts';
import { skipFieldType, skipValueType } from './value-types.ts';

const REC = 0x4e;
const SUB = 0x50;
const SUB_FINAL = 0x4f;
const FUNC = 0x60;
const STRUCT = 0x5f;
const ARRAY = 0x5e;
const NOWHERE = { from: 0, to: 0 };
const NO_OBJECT = { fields: 0, objectBytes: 0, elementBytes: 0 };
const NO_FUNCTION = { params: 0, results: 0, paramTypes: NOWHERE, resultTypes: NOWHERE };

/**
 * The type section (core specification 5.3.8-5.3.12): recursive groups of subtypes, or single ones. Fills
 * `layout.types`, whose bound counts the members of groups.
 */
export function scanTypes(scan: DeclarationScan, cursor: Cursor): void {
  const groups = boundedCount(cursor, scan.bounds.types, 'types', 2);
  for (let i = 0; i < groups; i++) {
    if (cursor.peek() !== REC) {
      scanSubtype(scan, cursor);
      continue;
    }
    cursor.pos++;
    scan.features.add('gc');
    const members = boundedCount(cursor, scan.bounds.types, 'types', 2);
    for (let n = 0; n < members; n++) scanSubtype(scan, cursor);
  }
}

function scanSubtype(scan: DeclarationScan, cursor: Cursor): void {
  const { layout, bounds, features } = scan;
  if (layout.types.length >= bounds.types)
    tooMany(layout.types.length + 1, bounds.types, 'types', cursor.pos);
  const lead = cursor.peek();
  if (lead === SUB || lead === SUB_FINAL) {
    cursor.pos++;
    features.add('gc');
    const parents = cursor.count('supertypes');
    for (let i = 0; i < parents; i++) cursor.u32();
  }
  const at = cursor.pos;
  const form = cursor.u8();
  if (form === FUNC) {
    const params = cursor.count('parameters');
    const paramsAt = cursor.pos;
    for (let i = 0; i < params; i++) skipValueType(cursor, features);
    const paramTypes = { from: paramsAt, to: cursor.pos };
    const results = cursor.count('results');
    const resultsAt = cursor.pos;
    for (let i = 0; i < results; i++) skipValueType(cursor, features);
    const resultTypes = { from: resultsAt, to: cursor.pos };
    if (results > 1) features.add('multi-value');
    layout.types.push({ ...NO_OBJECT, params, results, paramTypes, resultTypes });
  } else if (form === STRUCT) {
    features.add('gc');
    const fields = cursor.count('fields', 2);
    let objectBytes = STRUCT_BYTES;
    for (let i = 0; i < fields; i++) {
      objectBytes += fieldBytes(cursor.peek());
      skipFieldType(cursor, features);
    }
    layout.types.push({ ...NO_OBJECT, ...NO_FUNCTION, fields, objectBytes });
  } else if (form === ARRAY) {
    features.add('gc');
    const size = elementBytes(cursor.peek());
    skipFieldType(cursor, features);
    layout.types.push({ ...NO_OBJECT, ...NO_FUNCTION, objectBytes: ARRAY_BYTES, elementBytes: size });
  } else {
    throw new InstrumentError('unsupported', `types of form 0x${form.toString(16)}`, at);
  }
}
