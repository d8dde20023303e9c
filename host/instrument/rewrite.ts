import { branchHintSection } from './branch-hints.ts';
import type { CodeMeter } from './code-meter.ts';
import { isKeptCustomSection, rewriteNameSection } from './custom-sections.ts';
import { EditWriter } from './edit-writer.ts';
import type { EditList } from './edits.ts';
import { headroomImport, METER_IMPORTS, METER_MODULE } from './meter-imports.ts';
import type { ModuleLayout } from './module-layout.ts';
import { METER_TYPES, type MeterPlan, type SupportFunction, typeIndex } from './plan.ts';
import { Cursor } from './reader.ts';
import { rankOf, SECTION, type Section } from './sections.ts';
import { type AddedExport, writeExports } from './state-exports.ts';
import { METER_TYPE_BYTES, supportBody } from './support-functions.ts';
import { ByteSink } from './writer.ts';

/** A section's size is written at full width: five bytes of padding at most in a dozen places. */
const ANY_LENGTH = 2 ** 32 - 1;
/** What metering makes a module longer by for each word noted of its code: 1.8 to 3.3 bytes, in modules of more than a few functions. */
const NOTE_BYTES = 4;
/** The same for each module. */
const SPARE_BYTES = 4_096;
const FUNC = 0x60;
const I32 = 0x7f;
const I64 = 0x7e;
const utf8 = new TextEncoder();

/** Writes the instrumented module; decides nothing that `plan` and the analyses have not decided. */
export class Rewriter {
  readonly #bytes: Uint8Array;
  readonly #layout: ModuleLayout;
  readonly #plan: MeterPlan;
  readonly #declarationEdits: EditList;
  readonly #sink: ByteSink;
  readonly #addedExports: readonly AddedExport[];
  readonly #edits: EditWriter;
  readonly #code: CodeMeter;
  #codeSectionAt = 0;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    plan: MeterPlan,
    declarationEdits: EditList,
    code: CodeMeter,
    addedExports: readonly AddedExport[],
  ) {
    this.#addedExports = addedExports;
    this.#bytes = bytes;
    this.#layout = layout;
    this.#plan = plan;
    this.#declarationEdits = declarationEdits;
    this.#sink = new ByteSink(bytes.length + code.notes * NOTE_BYTES + SPARE_BYTES);
    this.#edits = new EditWriter(bytes, layout, plan, this.#sink);
    this.#code = code;
  }

  write(): Uint8Array<ArrayBuffer> {
    const sink = this.#sink;
    sink.copy(this.#bytes, 0, 8);
    let hasTypes = false;
    let hasImports = false;
    let hasExports = this.#addedExports.length === 0;
    for (const section of this.#layout.sections) {
      // A module may lack the sections that are added to; the others that change exist wherever there is code.
      if (!hasTypes && section.id !== SECTION.custom && rankOf(section.id) >= rankOf(SECTION.type)) {
        hasTypes = true;
        if (section.id !== SECTION.type) this.#typeSection(undefined);
      }
      if (!hasImports && section.id !== SECTION.custom && rankOf(section.id) >= rankOf(SECTION.import)) {
        hasImports = true;
        if (section.id !== SECTION.import) this.#importSection(undefined);
      }
      if (!hasExports && section.id !== SECTION.custom && rankOf(section.id) >= rankOf(SECTION.export)) {
        hasExports = true;
        this.#exportSection(section.id === SECTION.export ? section : undefined);
        if (section.id === SECTION.export) continue;
      }
      this.#section(section);
    }
    // The hints are known once the code is written, and stand before it.
    sink.insert(this.#codeSectionAt, branchHintSection(this.#code.hintedFunctions, this.#code.branchHints()));
    // Not copied into a buffer of its own length, which would take as much memory again.
    return sink.written();
  }

  #section(section: Section): void {
    switch (section.id) {
      case SECTION.custom:
        this.#customSection(section);
        return;
      case SECTION.type:
        this.#typeSection(section);
        return;
      case SECTION.import:
        this.#importSection(section);
        return;
      case SECTION.function:
        this.#functionSection(section);
        return;
      case SECTION.code:
        this.#codeSection();
        return;
      default: {
        const edits = this.#declarationEdits;
        const first = edits.seek(section.start);
        this.#sink.u8(section.id);
        const isUnchanged = first === edits.length || edits.offset(first) >= section.end;
        if (isUnchanged) {
          this.#sink.u32(section.end - section.start);
          this.#sink.copy(this.#bytes, section.start, section.end);
        } else {
          this.#sink.sized(ANY_LENGTH, () => this.#edits.applyAll(edits, first, section.start, section.end));
        }
      }
    }
  }

  #customSection(section: Section): void {
    const cursor = new Cursor(this.#bytes, section.start, section.end);
    const name = cursor.name();
    if (name === 'name') {
      const content = rewriteNameSection(cursor, this.#layout, this.#plan);
      if (content === undefined) return;
      this.#sink.u8(SECTION.custom);
      this.#sink.u32(content.length);
      this.#sink.copy(content, 0, content.length);
    } else if (isKeptCustomSection(name)) {
      this.#sink.u8(SECTION.custom);
      this.#sink.u32(section.end - section.start);
      this.#sink.copy(this.#bytes, section.start, section.end);
    }
  }

  /** A vector with its length raised by `added`, up to and without the appended elements. */
  #extendedVector(section: Section | undefined, added: number): void {
    if (section === undefined) {
      this.#sink.u32(added);
      return;
    }
    const cursor = new Cursor(this.#bytes, section.start, section.end);
    this.#sink.u32(cursor.u32() + added);
    this.#sink.copy(this.#bytes, cursor.pos, section.end);
  }

  #typeSection(section: Section | undefined): void {
    const sink = this.#sink;
    const tables = [...this.#plan.tableGrow.keys()];
    sink.u8(SECTION.type);
    sink.sized(ANY_LENGTH, () => {
      this.#extendedVector(section, METER_TYPES.length + tables.length + this.#plan.passingTypes.size);
      for (const bytes of METER_TYPE_BYTES) sink.list(bytes);
      for (const table of tables) {
        const { from, to } = this.#layout.tableTypes[table]!;
        const length = this.#layout.tables64[table] ? I64 : I32;
        sink.list([FUNC, 2]);
        sink.copy(this.#bytes, from, to);
        sink.list([length, 1, length]);
      }
      for (const type of this.#plan.passingTypes.keys()) {
        const { params, results, paramTypes, resultTypes } = this.#layout.types[type]!;
        sink.list([FUNC, params + 1]);
        sink.copy(this.#bytes, paramTypes.from, paramTypes.to);
        sink.list([I64, results + 1]);
        sink.copy(this.#bytes, resultTypes.from, resultTypes.to);
        sink.u8(I64);
      }
    });
  }

  #importSection(section: Section | undefined): void {
    const sink = this.#sink;
    const { headrooms, imports } = this.#plan;
    sink.u8(SECTION.import);
    sink.sized(ANY_LENGTH, () => {
      this.#extendedVector(section, imports.length + this.#plan.globalShift);
      for (const { name, type } of imports) {
        this.#importName(name);
        sink.u8(0x00);
        sink.u32(typeIndex(this.#plan, type));
      }
      this.#importName(METER_IMPORTS.fuel);
      sink.list([0x03, I64, 0x01]);
      for (const memory of headrooms.keys()) {
        this.#importName(headroomImport(memory));
        sink.list([0x03, I32, 0x01]);
      }
      if (this.#plan.objectsGlobal < 0) return;
      this.#importName(METER_IMPORTS.objects);
      sink.list([0x03, I64, 0x01]);
    });
  }

  #importName(name: string): void {
    for (const part of [METER_MODULE, name]) {
      const bytes = utf8.encode(part);
      this.#sink.u32(bytes.length);
      this.#sink.copy(bytes, 0, bytes.length);
    }
  }

  #exportSection(section: Section | undefined): void {
    const sink = this.#sink;
    sink.u8(SECTION.export);
    sink.sized(ANY_LENGTH, () => {
      let count = this.#addedExports.length;
      if (section === undefined) sink.u32(count);
      else {
        const cursor = new Cursor(this.#bytes, section.start, section.end);
        count += cursor.u32();
        sink.u32(count);
        this.#edits.applyAll(
          this.#declarationEdits,
          this.#declarationEdits.seek(cursor.pos),
          cursor.pos,
          section.end,
        );
      }
      writeExports(sink, this.#addedExports, this.#layout.importedGlobals, this.#plan.globalShift);
    });
  }

  #functionSection(section: Section): void {
    const { support, passing, passingTypes } = this.#plan;
    const { functionTypes, importedFunctions } = this.#layout;
    this.#sink.u8(SECTION.function);
    this.#sink.sized(section.end - section.start + 5 * support.length + functionTypes.length * 5, () => {
      this.#sink.u32(functionTypes.length - importedFunctions + support.length);
      for (let index = importedFunctions; index < functionTypes.length; index++) {
        const type = functionTypes[index]!;
        this.#sink.u32(passing[index] === 1 ? passingTypes.get(type)! : type);
      }
      for (const added of support) this.#sink.u32(this.#supportType(added));
    });
  }

  #supportType(support: SupportFunction): number {
    switch (support.kind) {
      case 'check':
        return typeIndex(this.#plan, 'run');
      case 'entry':
        return support.type;
      case 'settle':
        return typeIndex(this.#plan, 'length64');
      case 'charge-length':
        return typeIndex(this.#plan, support.length & 1 ? 'length64' : 'length32');
      case 'allocate':
        return typeIndex(this.#plan, 'release');
      case 'allocate-array':
        return typeIndex(this.#plan, 'length32');
      case 'memory-grow':
        return typeIndex(this.#plan, support.is64 ? 'length64' : 'length32');
      case 'table-grow':
        return (
          this.#plan.typeBase + METER_TYPES.length + [...this.#plan.tableGrow.keys()].indexOf(support.table)
        );
    }
  }

  #codeSection(): void {
    const { support } = this.#plan;
    const sink = this.#sink;
    this.#codeSectionAt = sink.length;
    sink.u8(SECTION.code);
    sink.sized(ANY_LENGTH, () => {
      sink.u32(this.#layout.bodies + support.length);
      this.#code.write(this.#plan, sink);
      for (const added of support) {
        const body = supportBody(this.#plan, this.#layout, added, (index) => this.#code.leastCost(index));
        sink.u32(body.length);
        sink.list(body);
      }
    });
  }
}
