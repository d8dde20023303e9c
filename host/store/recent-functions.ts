/**
 * Which functions were called last, over restarts: what a host makes ready first when it starts again. A file beside the
 * registry, written now and then; what a killed process did not write costs a slow first call, nothing else.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { asFunctionName, asTenantName, type FunctionName, type TenantName } from '../model/ids.ts';

export interface FunctionId {
  readonly tenant: TenantName;
  readonly name: FunctionName;
}

/** More would not be ready before they are called, and are not kept. */
export const MAX_RECENT = 256;

const fileSchema = z.array(z.object({ tenant: z.string(), name: z.string() }));

export class RecentFunctions {
  readonly #path: string;
  /** Called longest ago first. */
  readonly #functions = new Map<string, FunctionId>();
  #isDirty = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /** A file that is not there, or not readable, is an empty one. */
  static async open(path: string): Promise<RecentFunctions> {
    const recent = new RecentFunctions(path);
    const parsed = fileSchema.safeParse(await readJson(path));
    for (const { tenant, name } of parsed.data?.toReversed() ?? []) {
      const id = { tenant: asTenantName(tenant), name: asFunctionName(name) };
      if (id.tenant !== undefined && id.name !== undefined) recent.note([id as FunctionId]);
    }
    recent.#isDirty = false;
    return recent;
  }

  /** @param functions called just now, the last one last */
  note(functions: readonly FunctionId[]): void {
    for (const id of functions) {
      const key = `${id.tenant}/${id.name}`;
      this.#functions.delete(key);
      this.#functions.set(key, id);
    }
    for (const key of this.#functions.keys()) {
      if (this.#functions.size <= MAX_RECENT) break;
      this.#functions.delete(key);
    }
    this.#isDirty = true;
  }

  /** The one called last first. */
  list(): readonly FunctionId[] {
    return [...this.#functions.values()].toReversed();
  }

  async save(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const temporary = `${this.#path}.tmp`;
    await this.copyTo(temporary);
    await rename(temporary, this.#path);
  }

  /** Writes the list as it is now to a file of that name. */
  async copyTo(path: string): Promise<void> {
    await writeFile(path, JSON.stringify(this.list()), { mode: 0o600 });
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return [];
  }
}
