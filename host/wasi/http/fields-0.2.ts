import type { HeaderList } from '../context.ts';
import { type FieldEntry, FieldMap } from './fields.ts';

/** Resource `wasi:http/types#fields` (WASI 0.2); also `headers` and `trailers`. */
export class Fields extends FieldMap {
  static fromList(entries: readonly FieldEntry[]): Fields {
    return FieldMap.fill(new Fields(), entries);
  }

  /** Immutable fields of a message that came from a wire. */
  static fromWire(list: HeaderList): Fields {
    return FieldMap.readFrom(new Fields(), list);
  }

  /** What `headers()` of a message gives: its fields, immutable. */
  static viewOf(fields: Fields): Fields {
    return FieldMap.copyInto(new Fields(), fields, true);
  }

  entries(): FieldEntry[] {
    return this.list();
  }

  clone(): Fields {
    return FieldMap.copyInto(new Fields(), this, false);
  }
}
