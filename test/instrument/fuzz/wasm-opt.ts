/**
 * Binaryen's translation of random bytes into a valid module. Its command is loaded once and run within this
 * process, which takes a tenth of the time that a process for each module would.
 */
import fs, { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';

type Command = (
  require: NodeJS.Require,
  fileName: string,
  folder: string,
  process: object,
  console: object,
) => void;

/** Of proposals the ones that the reference machine interprets. */
export const INTERPRETED: readonly string[] = [
  'mutable-globals',
  'sign-ext',
  'nontrapping-float-to-int',
  'bulk-memory',
  'simd',
  'reference-types',
  'multivalue',
  'multimemory',
  'tail-call',
  'exception-handling',
  'extended-const',
].map((name) => `--enable-${name}`);

/** All that the engine takes without a flag and metering takes at all. */
export const EVERYTHING: readonly string[] = [
  '--all-features',
  ...[
    'fp16',
    'wide-arithmetic',
    'shared-everything',
    'threads',
    'relaxed-simd',
    'relaxed-atomics',
    'custom-descriptors',
    'strings',
    'stack-switching',
    'custom-page-sizes',
    'multibyte',
  ].map((name) => `--disable-${name}`),
];

/**
 * NaNs become zero, since which NaN an instruction gives is left open; and exceptions take the form that is
 * standard, since the engine refuses a module with both.
 */
const PASSES = ['--denan', '--translate-to-exnref'];

/** The command writes to standard error, by its number: that it leaves something as it is does not matter here. */
function withoutWarnings(require: NodeJS.Require): NodeJS.Require {
  const silentFs = {
    ...fs,
    writeSync: (fd: number, bytes: Uint8Array, ...place: number[]) =>
      fd === 2 ? (place[1] ?? bytes.length) : fs.writeSync(fd, bytes, ...place),
  };
  const own = (name: string): unknown => (/^(node:)?fs$/.test(name) ? silentFs : require(name));
  return Object.assign(own, require);
}

export class WasmOpt implements Disposable {
  readonly #path: string;
  readonly #require: NodeJS.Require;
  readonly #command: Command;
  readonly #folder: string;

  /** Works in `folder`, or in a temporary one; it goes when this is disposed of. */
  constructor(folder?: string) {
    this.#folder = folder ?? mkdtempSync(join(tmpdir(), 'mayfly-wasm-opt-'));
    const require = createRequire(import.meta.url);
    this.#path = join(dirname(require.resolve('binaryen')), 'bin/wasm-opt');
    this.#require = withoutWarnings(createRequire(this.#path));
    const source = readFileSync(this.#path, 'utf8').replace(/^#!.*/, '');
    const parameters = ['require', '__filename', '__dirname', 'process', 'console'];
    this.#command = compileFunction(source, parameters, { filename: this.#path }) as Command;
  }

  /** The module that `seed` stands for; undefined where the translation came to nothing. */
  async translate(seed: Uint8Array, features: readonly string[]): Promise<Uint8Array | undefined> {
    const [input, output] = [join(this.#folder, 'seed'), join(this.#folder, 'module.wasm')];
    writeFileSync(input, seed);
    rmSync(output, { force: true });
    const code = await this.#run([input, '-ttf', '-o', output, ...features, ...PASSES]);
    return code === 0 ? new Uint8Array(readFileSync(output)) : undefined;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The command ends by setting the exit code of what it takes for the process. */
  #run(args: readonly string[]): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const nothing = (): void => {};
    const ownProcess = Object.create(process, {
      argv: { value: ['node', 'wasm-opt', ...args] },
      exitCode: { set: resolve },
      exit: { value: resolve },
      on: { value: nothing },
    }) as object;
    const silent = { log: nothing, warn: nothing, error: nothing };
    this.#command(this.#require, this.#path, dirname(this.#path), ownProcess, silent);
    return promise;
  }
}
