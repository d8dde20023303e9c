/**
 * The types of the functions that a component imports, as it declares them: a digest of each, which two functions share if they take and give the same.
 *
 * Nobody else compares them with what the host has: names are looked up in JavaScript, and a function that is declared with other types would be called
 * with values of those, past the checks that are made for its own. A guest could end a thread by it, and write into what all guests of it share
 * (docs/decisions/0051-types-of-imports.md).
 *
 * Runs in the publishing process on bytes that passed component-sections.ts and jco's validator.
 */
import { createHash } from 'node:crypto';
import { MayflyError } from '../errors/errors.ts';
import { Cursor } from '../instrument/reader.ts';
import { readSection } from '../instrument/sections.ts';
import { offeredFunctions } from '../wasi/offered-functions.ts';
import {
  readAlias,
  readExternDescription,
  readExternName,
  readTypeDefinition,
} from './link-plan-declarations.ts';
import {
  type EnclosingScope,
  type InstanceEntity,
  NotCovered,
  type TypeEntity,
  type TypeReference,
  type ValueDefinition,
} from './link-plan-entities.ts';
import { at, importedInstance, PlanScope, PlanWork } from './link-plan-scope.ts';
import { unsupported } from './refusal.ts';
import { importKey, offeredInterface } from './world.ts';

/** Of each imported interface, by its full name: function -> digest. */
export type ImportSignatures = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** 128 bits: whoever uploads chooses both the type and what it would have to look like. */
const DIGEST_LENGTH = 22;

const SECTION = { custom: 0, coreModule: 1, component: 4, alias: 6, type: 7, import: 10 } as const;

/** @throws `component_import_unknown` unless each function that it imports takes and gives what the host's takes and gives */
export function assertImportSignatures(component: Uint8Array): void {
  for (const [name, signatures] of readImportSignatures(component)) {
    const entry = offeredInterface(name);
    const offered = entry && offeredFunctions(entry.interface, entry.versions);
    for (const [func, digest] of signatures) {
      if (offered?.get(func) === digest) continue;
      throw new MayflyError(
        'component_import_unknown',
        `The component imports ${func} of ${name} with other types than it has.`,
      );
    }
  }
}

/** @throws `component_unsupported` where types of imports depend on what the component is made of, or are none that the host has */
export function readImportSignatures(component: Uint8Array): ImportSignatures {
  try {
    return new ImportReader(component).read();
  } catch (error) {
    if (!(error instanceof NotCovered)) throw error;
    throw unsupported(`The types of its imports cannot be told: ${error.message}.`, error);
  }
}

class ImportReader {
  readonly #bytes: Uint8Array;
  readonly #scope = new PlanScope(() => 0);
  readonly #work = new PlanWork();
  readonly #digests = new TypeDigests();
  readonly #signatures = new Map<string, ReadonlyMap<string, string>>();
  /** Whether indices are no longer followed: something was made of what is imported. */
  #isPastImports = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): ImportSignatures {
    const cursor = new Cursor(this.#bytes, 8);
    while (cursor.remaining > 0) {
      const { id, start, end } = readSection(cursor);
      this.#section(id, new Cursor(this.#bytes, start, end));
    }
    return this.#signatures;
  }

  #section(id: number, section: Cursor): void {
    switch (id) {
      case SECTION.custom:
      case SECTION.coreModule:
        return;
      case SECTION.import:
        if (this.#isPastImports) throw new NotCovered('one stands behind what was made of others');
        this.#each(section, () => this.#import(section));
        return;
      case SECTION.component:
        if (!this.#isPastImports)
          this.#scope.components.push({ start: section.pos + 8, end: section.end, scope: this.#scope });
        return;
      case SECTION.alias:
        if (!this.#isPastImports) this.#each(section, () => this.#scope.alias(readAlias(section)));
        return;
      case SECTION.type:
        if (!this.#isPastImports) this.#each(section, () => this.#scope.define(readTypeDefinition(section)));
        return;
      default:
        this.#isPastImports = true;
    }
  }

  #each(section: Cursor, read: () => void): void {
    const count = section.count('entries');
    this.#work.add(count);
    for (let i = 0; i < count; i++) read();
  }

  #import(section: Cursor): void {
    const name = readExternName(section);
    const description = readExternDescription(section);
    if (description.kind === 'instance') {
      const type = at(this.#scope.types, description.type);
      const instance = importedInstance(type, importKey(name), this.#work);
      this.#scope.instances.push(instance);
      this.#signatures.set(name, this.#signaturesOf(instance));
    } else if (description.kind === 'type' && description.equals !== undefined) {
      this.#scope.types.push(at(this.#scope.types, description.equals));
    } else throw new NotCovered(`it imports the ${description.kind} ${name}`);
  }

  #signaturesOf(instance: InstanceEntity): ReadonlyMap<string, string> {
    const signatures = new Map<string, string>();
    for (const [name, entity] of instance)
      if (entity.sort === 'function') signatures.set(name, this.#digests.of(entity.of.type));
    return signatures;
  }
}

/** Each type once, however many share it: a few hundred bytes can describe one that is billions of fields long when it is written out. */
class TypeDigests {
  readonly #known = new Map<TypeEntity, string>();

  of(entity: TypeEntity): string {
    // A name for a primitive type is none of its own.
    if (entity.kind === 'value' && entity.value.kind === 'primitive') return entity.value.type;
    const known = this.#known.get(entity);
    if (known !== undefined) return known;
    const digest = createHash('sha256')
      .update(JSON.stringify(this.#describe(entity)))
      .digest('base64url')
      .slice(0, DIGEST_LENGTH);
    this.#known.set(entity, digest);
    return digest;
  }

  #describe(entity: TypeEntity): unknown {
    switch (entity.kind) {
      case 'function': {
        const { isAsync, parameters, result } = entity.function;
        const types = parameters.map(([, type]) => this.#reference(type, entity.scope));
        return ['function', isAsync, types, this.#optional(result, entity.scope)];
      }
      case 'resource':
        if (entity.interface === undefined) throw new NotCovered('they are resources of its own');
        return ['resource', entity.interface, entity.name];
      case 'value':
        return this.#value(entity.value, entity.scope);
      case 'instance':
      case 'component':
        throw new NotCovered(`a value is of the type of ${entity.kind}s`);
    }
  }

  #reference(reference: TypeReference, scope: EnclosingScope): string {
    return typeof reference === 'string' ? reference : this.of(at(scope.types, reference));
  }

  #optional(reference: TypeReference | null, scope: EnclosingScope): string | null {
    return reference === null ? null : this.#reference(reference, scope);
  }

  #value(value: ValueDefinition, scope: EnclosingScope): unknown {
    switch (value.kind) {
      case 'primitive':
        return value.type;
      case 'record':
        return ['record', value.fields.map(([name, type]) => [name, this.#reference(type, scope)])];
      case 'variant':
        return ['variant', value.cases.map(([name, type]) => [name, this.#optional(type, scope)])];
      case 'list':
      case 'option':
        return [value.kind, this.#reference(value.of, scope)];
      case 'tuple':
        return ['tuple', value.elements.map((type) => this.#reference(type, scope))];
      case 'flags':
      case 'enum':
        return [value.kind, value.names];
      case 'result':
        return ['result', this.#optional(value.ok, scope), this.#optional(value.err, scope)];
      case 'own':
      case 'borrow':
        return [value.kind, this.of(at(scope.types, value.resource))];
      case 'stream':
      case 'future':
        return [value.kind, this.#optional(value.of, scope)];
      case 'other':
        throw new NotCovered(`they use ${value.what}`);
    }
  }
}
