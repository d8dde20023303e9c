import { readFile } from 'node:fs/promises';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { BuildError } from './build-error.ts';
import { stripCustomSections } from './strip-custom-sections.ts';
import { writeWhole } from './write-whole.ts';

export interface WatOptions {
  readonly outFile?: string;
  /** Whether names of functions stay in, for the stack of a trap to show; off makes it smaller by about a fifth. */
  readonly keepNames?: boolean;
}

/** The WIT beside a WAT file: `x.wit` for `x.wat`. */
export function witBeside(watFile: string): string {
  return watFile.replace(/\.wat$/, '.wit');
}

/** wasm-tools throws its parser's error in Rust's debug notation; place and reason are in there. */
function toBuildError(file: string, error: unknown): BuildError {
  const { payload } = error as { payload?: unknown };
  const text = String(payload ?? (error instanceof Error ? error.message : error));
  const [, line, column] = /line: (\d+), col: (\d+)/.exec(text) ?? [];
  const [, reason] = /kind: Custom\("((?:[^"\\]|\\.)*)"\)/.exec(text) ?? [];
  if (line === undefined || column === undefined) return new BuildError(`${file}: ${text}`, { cause: error });
  const location = { file, line: Number(line) + 1, column: Number(column) + 1 };
  return new BuildError(reason ?? /kind: (.*?) \}/.exec(text)?.[1] ?? text, { location, cause: error });
}

async function toolStep<T>(file: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw toBuildError(file, error);
  }
}

/**
 * Builds a component from a core module in text form and the WIT of its world, which lies beside it and names
 * everything it uses. A text that is a component already, or a wasip1 command, which the host makes a component of, is only
 * parsed.
 * @throws {BuildError}
 */
export async function buildWat(watFile: string, options: WatOptions = {}): Promise<Uint8Array> {
  const wat = await readFile(watFile, 'utf8').catch((cause: unknown) => {
    throw new BuildError(`${watFile} cannot be read`, { cause });
  });
  const binary = await toolStep(watFile, () => parse(wat));
  const isComponent = /^\s*(?:;;.*\s*)*\(component\b/.test(wat);
  const made = isComponent || isCommand(binary) ? binary : await embed(watFile, binary);
  const component = options.keepNames === false ? stripCustomSections(made) : made;
  if (options.outFile !== undefined) await writeWhole(options.outFile, component);
  return component;
}

/** A core module that WASI preview 1 can start. */
function isCommand(core: Uint8Array): boolean {
  if (!WebAssembly.validate(core as Uint8Array<ArrayBuffer>)) return false;
  return WebAssembly.Module.exports(new WebAssembly.Module(core as Uint8Array<ArrayBuffer>)).some(
    ({ name }) => name === '_start',
  );
}

async function embed(watFile: string, core: Uint8Array): Promise<Uint8Array> {
  const witFile = witBeside(watFile);
  const witSource = await readFile(witFile, 'utf8').catch((cause: unknown) => {
    throw new BuildError(
      `${watFile} is a core module without a _start, so its world is expected in ${witFile}, which cannot be read`,
      { cause },
    );
  });
  const embedded = await toolStep(witFile, () => componentEmbed({ binary: core, witSource }));
  return toolStep(watFile, () => componentNew(embedded, []));
}
