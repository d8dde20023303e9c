/**
 * Memory for the preview 1 adapter in a module whose code believes that all of its memory is its own.
 *
 * The adapter keeps 128 KiB of state and stack in the memory of the module that it serves. Where that exports no
 * `cabi_realloc` it takes them by `memory.grow`, and they are overwritten by every allocator that takes
 * the whole memory for its heap: wasi-libc before 2023, TinyGo, Go (docs/decisions/0002-wasip1-adapter-space.md).
 * So the module is moved up: its address 0 becomes address SPACE_BYTES, and the space below is the adapter's.
 *
 * Invariants:
 * 1. No instruction of the module's own reaches an address below SPACE_BYTES, or learns that there is any.
 * 2. Everything else behaves as before: traps, sizes, growth, what is where by the module's own addresses.
 * 3. Addresses cross to the adapter in calls of preview 1 imports only, and are translated there, both ways.
 * 4. All that is appended comes last in its index space, so that no index of the module's changes.
 */
import { MODULE_BOUNDS } from '../instrument/bounds.ts';
import { isKeptCustomSection } from '../instrument/custom-sections.ts';
import { scanDeclarations } from '../instrument/declarations.ts';
import { EditList } from '../instrument/edits.ts';
import { FeatureSet } from '../instrument/features.ts';
import { RESERVED_NAMES } from '../instrument/meter-imports.ts';
import type { ModuleLayout } from '../instrument/module-layout.ts';
import { Cursor } from '../instrument/reader.ts';
import { SECTION, type Section } from '../instrument/sections.ts';
import { ByteSink } from '../instrument/writer.ts';
import { CodeRelocation, MAX_GROWTH, NotRelocatable } from './adapter-space-code.ts';
import { SPACE_BYTES, SPACE_PAGES, SPACE_TYPES, spaceFunctionType } from './adapter-space-functions.ts';
import { AppendedFunctions, readPreview1Imports } from './adapter-space-imports.ts';

const ANY_LENGTH = 2 ** 32 - 1;
/** One less than the specification allows, so that the last address of all is beyond every memory. */
const MAX_PAGES = 65_535;
const REALLOC = 'cabi_realloc';
/** Exports by which a module provides for the adapter itself. */
const OWN_ALLOCATORS = [REALLOC, 'canonical_abi_realloc', 'cabi_realloc_adapter'];
/** All of them are in every program; one without is left alone, so that none need be made up. */
const REQUIRED = [SECTION.type, SECTION.function, SECTION.memory, SECTION.export, SECTION.code];
const utf8 = new TextEncoder();

/**
 * The module with SPACE_PAGES pages for the adapter and an export `cabi_realloc` that gives them out. A module
 * that provides for the adapter itself, or is of a kind that this does not understand, comes back as it is;
 * `bytes` have passed `detectUpload` as a command.
 */
export function withAdapterSpace(bytes: Uint8Array): Uint8Array {
  const layout = scanDeclarations(bytes, MODULE_BOUNDS, RESERVED_NAMES, new FeatureSet(), new EditList());
  try {
    const moved = new Relocation(bytes, layout).write();
    // What was not valid before (or calls imports by other types) must not be told apart by us.
    return WebAssembly.validate(moved) ? moved : bytes;
  } catch (error) {
    if (error instanceof NotRelocatable) return bytes;
    throw error;
  }
}

class Relocation {
  readonly #bytes: Uint8Array;
  readonly #layout: ModuleLayout;
  readonly #appended: AppendedFunctions;
  readonly #sink: ByteSink;

  constructor(bytes: Uint8Array, layout: ModuleLayout) {
    const { sections, memories64, importedMemories } = layout;
    const isComplete = REQUIRED.every((id) => sections.some((section) => section.id === id));
    if (!isComplete || memories64.length !== 1 || importedMemories > 0 || memories64[0])
      throw new NotRelocatable('not one 32-bit memory of its own');
    this.#bytes = bytes;
    this.#layout = layout;
    this.#appended = new AppendedFunctions(layout, readPreview1Imports(bytes, layout));
    this.#sink = new ByteSink(Math.ceil(bytes.length * 1.2) + 4_096);
  }

  write(): Uint8Array {
    // The code decides which functions are appended, and stands behind the sections that declare them.
    const bodies = new ByteSink(Math.ceil(this.#bytes.length * 1.2) + 4_096);
    this.#bodies(bodies);
    const elements = new ByteSink(1_024);
    const globals = new ByteSink(1_024);
    for (const section of this.#layout.sections) {
      if (section.id === SECTION.element) this.#elements(section, elements);
      else if (section.id === SECTION.global) this.#globals(section, globals);
    }
    const exports = this.#exports();
    const appended = this.#appended.bodies();

    this.#sink.copy(this.#bytes, 0, 8);
    for (const section of this.#layout.sections) {
      switch (section.id) {
        case SECTION.custom:
          this.#custom(section);
          break;
        case SECTION.type:
          this.#extended(section, SPACE_TYPES.length, () => {
            for (const type of SPACE_TYPES) this.#sink.list(type);
          });
          break;
        case SECTION.function:
          this.#extended(section, appended.length, () => {
            for (const added of this.#appended.functions)
              this.#sink.u32(spaceFunctionType(added, this.#layout.types.length));
          });
          break;
        case SECTION.table:
          this.#table(section);
          break;
        case SECTION.memory:
          this.#section(SECTION.memory, () => this.#memory(section));
          break;
        case SECTION.global:
          this.#whole(SECTION.global, globals);
          break;
        case SECTION.export:
          this.#whole(SECTION.export, exports);
          break;
        case SECTION.element:
          this.#whole(SECTION.element, elements);
          break;
        case SECTION.code:
          this.#section(SECTION.code, () => {
            this.#sink.u32(this.#layout.bodies + appended.length);
            this.#append(bodies);
            for (const body of appended) {
              this.#sink.u32(body.length);
              this.#sink.list(body);
            }
          });
          break;
        case SECTION.data:
          this.#section(SECTION.data, () => this.#data(section));
          break;
        default:
          this.#unchanged(section);
      }
    }
    return this.#sink.written().slice();
  }

  #section(id: number, content: () => void): void {
    this.#sink.u8(id);
    this.#sink.sized(ANY_LENGTH, content);
  }

  #append(source: ByteSink): void {
    this.#sink.copy(source.written(), 0, source.length);
  }

  #whole(id: number, content: ByteSink): void {
    this.#sink.u8(id);
    this.#sink.u32(content.length);
    this.#append(content);
  }

  #unchanged(section: Section): void {
    this.#sink.u8(section.id);
    this.#sink.u32(section.end - section.start);
    this.#sink.copy(this.#bytes, section.start, section.end);
  }

  #custom(section: Section): void {
    const name = this.#cursor(section).name();
    // Canonical lifts and lowers would use addresses that are not translated.
    if (name.startsWith('component-type')) throw new NotRelocatable('a component type');
    if (isKeptCustomSection(name)) this.#unchanged(section);
  }

  #extended(section: Section, added: number, content: () => void): void {
    const cursor = this.#cursor(section);
    const count = cursor.u32();
    this.#section(section.id, () => {
      this.#sink.u32(count + added);
      this.#sink.copy(this.#bytes, cursor.pos, section.end);
      content();
    });
  }

  #cursor(section: Section): Cursor {
    return new Cursor(this.#bytes, section.start, section.end);
  }

  #code(cursor: Cursor, sink: ByteSink): CodeRelocation {
    return new CodeRelocation(cursor, sink, this.#appended, this.#layout.types.length);
  }

  #bodies(sink: ByteSink): void {
    const section = this.#layout.sections.find(({ id }) => id === SECTION.code)!;
    const cursor = new Cursor(this.#bytes, this.#layout.codeStart, section.end);
    const code = this.#code(cursor, sink);
    for (let i = 0; i < this.#layout.bodies; i++) {
      const size = cursor.u32();
      sink.sized(size * MAX_GROWTH, () => code.body(cursor.pos + size));
    }
  }

  /** A table's initialiser could name an import; nothing that targets preview 1 has one. */
  #table(section: Section): void {
    const cursor = this.#cursor(section);
    if (cursor.u32() > 0 && cursor.peek() === 0x40) throw new NotRelocatable('a table with an initialiser');
    this.#unchanged(section);
  }

  /** Limits, core specification 5.3.5: of 32 bits, not shared. */
  #memory(section: Section): void {
    const cursor = this.#cursor(section);
    cursor.u32();
    const hasMaximum = cursor.u8() === 1;
    const initial = cursor.u32() + SPACE_PAGES;
    if (initial > MAX_PAGES) throw new NotRelocatable('a memory of nearly 4 GiB');
    const maximum = hasMaximum ? cursor.u32() + SPACE_PAGES : MAX_PAGES;
    this.#sink.list([1, 1]);
    this.#sink.u32(initial);
    this.#sink.u32(Math.min(maximum, MAX_PAGES));
  }

  #globals(section: Section, sink: ByteSink): void {
    const cursor = this.#cursor(section);
    const count = cursor.u32();
    sink.u32(count);
    for (let i = 0; i < count; i++) {
      const at = cursor.pos;
      // References have types of several bytes, and what they refer to may be an import.
      if (cursor.u8() < 0x7b) throw new NotRelocatable('a global of a reference type');
      cursor.u8();
      sink.copy(this.#bytes, at, cursor.pos);
      this.#code(cursor, sink).expression();
    }
  }

  #exports(): ByteSink {
    const sink = new ByteSink(1_024);
    const section = this.#layout.sections.find(({ id }) => id === SECTION.export)!;
    const cursor = this.#cursor(section);
    const count = cursor.u32();
    sink.u32(count + 1);
    for (let i = 0; i < count; i++) {
      const at = cursor.pos;
      if (OWN_ALLOCATORS.includes(cursor.name())) throw new NotRelocatable('an allocator of its own');
      const kind = cursor.u8();
      sink.copy(this.#bytes, at, cursor.pos);
      const index = cursor.u32();
      sink.u32(kind === 0 ? this.#appended.function(index) : index);
    }
    const name = utf8.encode(REALLOC);
    sink.u32(name.length);
    sink.copy(name, 0, name.length);
    sink.u8(0);
    sink.u32(this.#appended.realloc);
    return sink;
  }

  /** Element segments; see `scanElements` for the bits of their flags. */
  #elements(section: Section, sink: ByteSink): void {
    const cursor = this.#cursor(section);
    const code = this.#code(cursor, sink);
    const segments = cursor.u32();
    sink.u32(segments);
    for (let i = 0; i < segments; i++) {
      const flags = cursor.u32();
      sink.u32(flags);
      if ((flags & 1) === 0) {
        if (flags & 2) sink.u32(cursor.u32());
        code.expression();
      }
      if (flags & 3) {
        const kind = cursor.u8();
        if (kind === 0x63 || kind === 0x64) throw new NotRelocatable('elements of an indexed type');
        sink.u8(kind);
      }
      const count = cursor.u32();
      sink.u32(count);
      for (let n = 0; n < count; n++) {
        if (flags & 4) code.expression();
        else sink.u32(this.#appended.function(cursor.u32()));
      }
    }
  }

  #data(section: Section): void {
    const cursor = this.#cursor(section);
    const sink = this.#sink;
    const segments = cursor.u32();
    sink.u32(segments);
    for (let i = 0; i < segments; i++) {
      const at = cursor.pos;
      const flags = cursor.u32();
      if (flags === 2) cursor.u32();
      sink.copy(this.#bytes, at, cursor.pos);
      if (flags !== 1) this.#dataOffset(cursor);
      const from = cursor.pos;
      cursor.skip(cursor.u32());
      sink.copy(this.#bytes, from, cursor.pos);
    }
  }

  /** `i32.const n`, the only form without dynamic linking. */
  #dataOffset(cursor: Cursor): void {
    if (cursor.u8() !== 0x41) throw new NotRelocatable('a data segment with a computed place');
    const offset = cursor.s33() >>> 0;
    if (cursor.u8() !== 0x0b) throw new NotRelocatable('a data segment with a computed place');
    // Beyond the guest's memory is beyond the real one.
    if (offset >= 2 ** 31 - SPACE_BYTES) throw new NotRelocatable('a data segment above 2 GiB');
    this.#sink.u8(0x41);
    this.#sink.s64(offset + SPACE_BYTES);
    this.#sink.u8(0x0b);
  }
}
