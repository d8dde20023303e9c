import type { HeaderList } from '../context.ts';
import { type FieldEntry, FieldMap, type HeaderErrorTag } from './fields.ts';

/** Resource `wasi:http/types#fields` (WASI 0.3); also `headers` and `trailers`. */
export class Fields extends FieldMap {
  static fromList(entries: readonly FieldEntry[]): Fields {
    return FieldMap.fill(new Fields(), entries);
  }

  /** Immutable fields of a message that came from a wire. */
  static fromWire(list: HeaderList): Fields {
    return FieldMap.readFrom(new Fields(), list);
  }

  /** What `get-headers` of a message gives: its fields, immutable. */
  static viewOf(fields: Fields): Fields {
    return FieldMap.copyInto(new Fields(), fields, true);
  }

  getAndDelete(name: string): Uint8Array[] {
    return this.removed(name);
  }

  copyAll(): FieldEntry[] {
    return this.list();
  }

  clone(): Fields {
    return FieldMap.copyInto(new Fields(), this, false);
  }

  protected override sizeError(): HeaderErrorTag {
    return 'size-exceeded';
  }
}
