import { Bytes, Ints } from './arrays.ts';

/** What is known of a function from outside of its body, or found out in it, as bits. */
export enum FunctionTrait {
  /** It can be called by a reference or at instantiation, which fixes its type. */
  Pinned = 1,
  /** It ends in a tail call, or one ends in it. */
  TailCaller = 2,
  TailCallee = 4,
  /** It takes the counter and gives it back: found out between reading and writing. */
  Passing = 8,
}

/** What the code of a function needs to know of its module; indices of all kinds include imports first. The host fills it. */
export class ModuleFacts {
  bodies: i32 = 0;
  importedFunctions: i32 = 0;
  globals: i32 = 0;
  importedGlobals: i32 = 0;
  dataSegments: i32 = 0;
  elementSegments: i32 = 0;
  /** Bytes of the code section. */
  codeBytes: i32 = 0;
  /** Structural bounds (bounds.ts). */
  blockDepth: i32 = 0;
  functionBytes: i32 = 0;
  locals: i32 = 0;
  localsTotal: i32 = 0;

  /** Of functions that may take the counter (passing.ts). */
  maxParams: i32 = 0;
  maxResults: i32 = 0;

  /** By function: its type, and FunctionTrait bits. */
  readonly functionTypes: Ints;
  readonly functionTraits: Bytes;
  /** By type, as TypeLayout of module-layout.ts has it. */
  readonly params: Ints;
  readonly results: Ints;
  readonly fields: Ints;
  readonly objectBytes: Ints;
  readonly elementBytes: Ints;
  /** By type, where the encoding of its results starts among `resultTypes`; it ends where that of the next type starts. */
  readonly resultStarts: Ints;
  resultTypes: Bytes = Bytes.of(256);
  /** By memory and by table: 1 if it is indexed with i64. */
  readonly memories64: Bytes;
  readonly tables64: Bytes;
  /** By tag: how many values it carries. */
  readonly tagParams: Ints;

  constructor(functions: i32, types: i32, memories: i32, tables: i32, tags: i32) {
    this.functionTypes = Ints.of(functions);
    this.functionTraits = Bytes.of(functions);
    this.params = Ints.of(types);
    this.results = Ints.of(types);
    this.fields = Ints.of(types);
    this.objectBytes = Ints.of(types);
    this.elementBytes = Ints.of(types);
    this.resultStarts = Ints.of(types + 1);
    this.memories64 = Bytes.of(memories);
    this.tables64 = Bytes.of(tables);
    this.tagParams = Ints.of(tags);
  }

  /** Adds a byte to the encoding of the results of a type, each of which is told in full before the next. */
  addResultByte(type: i32, byte: i32): void {
    const at = this.resultStarts[type + 1];
    if (at === this.resultTypes.length) this.resultTypes = Bytes.grown(this.resultTypes, at + 1);
    this.resultTypes[at] = byte;
    this.resultStarts[type + 1] = at + 1;
  }

  /**
   * Whether nothing that is known of the function so far keeps it from taking the counter (passing.ts says when it does): what
   * pins it may still follow.
   */
  mayPass(functionIndex: i32): bool {
    const type = this.functionTypes[functionIndex];
    const isPinned = (this.functionTraits[functionIndex] & FunctionTrait.Pinned) !== 0;
    return !isPinned && this.params[type] <= this.maxParams && this.results[type] <= this.maxResults;
  }

  get functions(): i32 {
    return this.functionTypes.length;
  }

  get types(): i32 {
    return this.params.length;
  }

  /** Whether the function takes the counter and gives it back. */
  @inline
  isPassing(functionIndex: i32): bool {
    return (this.functionTraits[functionIndex] & FunctionTrait.Passing) !== 0;
  }
}
