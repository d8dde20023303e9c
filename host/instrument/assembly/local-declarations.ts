import { CodeUsage } from './code-usage.ts';
import { Cursor } from './cursor.ts';
import { skipValueType } from './value-types.ts';

/** What a function declares besides its parameters. One object serves all functions of a module. */
export class LocalDeclarations {
  groups: i32 = 0;
  /** More than 32 bits can hold, as long as nobody has held it to a bound. */
  declared: i64 = 0;
  /** Of the first group that is not empty: how many it has, and the encodings of that and of its type, [from, to). */
  firstLength: u32 = 0;
  firstCountFrom: i32 = 0;
  firstCountTo: i32 = 0;
  firstTypeFrom: i32 = 0;
  firstTypeTo: i32 = 0;

  /** Reads them from the start of a function's body. */
  read(cursor: Cursor, usage: CodeUsage): void {
    const groups = cursor.count('groups of locals', 2);
    this.groups = groups;
    this.declared = 0;
    this.firstLength = 0;
    this.firstCountFrom = 0;
    this.firstCountTo = 0;
    this.firstTypeFrom = 0;
    this.firstTypeTo = 0;
    for (let i = 0; i < groups; i++) {
      const countAt = cursor.pos;
      const count = cursor.u32();
      const typeAt = cursor.pos;
      skipValueType(cursor, usage);
      if (this.declared === 0 && count > 0) {
        this.firstLength = count;
        this.firstCountFrom = countAt;
        this.firstCountTo = typeAt;
        this.firstTypeFrom = typeAt;
        this.firstTypeTo = cursor.pos;
      }
      this.declared += count;
    }
  }
}
