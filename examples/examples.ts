/**
 * The examples: how each is built, which settings it needs and how to call it. The host deploys them at its first
 * start, and the tests build and call every one.
 */
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHandler } from '../guest-sdk/build/handler.ts';
import { buildWat } from '../guest-sdk/build/wat.ts';
import { clangCommand, compileC } from './c-program.ts';
import { isUpToDate } from './up-to-date.ts';

export interface ExampleCall {
  readonly method: 'GET' | 'POST';
  /** Path and query below the function's URL. */
  readonly path: string;
  readonly data?: string;
}

export interface Example {
  /** Folder, file and function have this name. */
  readonly name: string;
  readonly summary: string;
  /** The main source. */
  readonly source: string;
  /** The component; git ignores it. */
  readonly output: string;
  /** What it exports: an interface, or `wasip1` for a core module. */
  readonly world: string;
  readonly needsClang: boolean;
  readonly call: ExampleCall;
  /** Builds unless the output is newer than everything that goes into it. Resolves with its path. */
  build(): Promise<string>;
  /** The equivalent to type, for a reader. */
  readonly command: string;
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

const SDK_SOURCES = ['../guest-sdk/runtime', '../guest-sdk/build', '../wit'].map(here);

interface ExampleSource extends Omit<Example, 'source' | 'output' | 'build' | 'command'> {
  /** Relative to the example's folder. */
  readonly file: string;
  readonly compile: (source: string, output: string) => Promise<unknown>;
  readonly dependsOn: readonly string[];
  readonly command?: (source: string, output: string) => string;
}

function example({ file, compile, dependsOn, command, ...rest }: ExampleSource): Example {
  const source = here(`./${rest.name}/${file}`);
  const output = here(`./${rest.name}/${rest.name}.wasm`);
  return {
    ...rest,
    source,
    output,
    command:
      command?.(relative('', source), relative('', output)) ??
      `mayfly build ${relative('', source)} -o ${relative('', output)}`,
    async build() {
      const folder = here(`./${rest.name}`);
      if (!(await isUpToDate(output, [folder, ...dependsOn]))) await compile(source, output);
      return output;
    },
  };
}

const buildTypeScript = (source: string, outFile: string): Promise<unknown> =>
  buildHandler(source, { outFile });

export const EXAMPLES: readonly Example[] = [
  example({
    name: 'hello-ts',
    summary: 'a TypeScript handler that answers HTTP',
    file: 'src/hello.ts',
    world: 'wasi:http/handler@0.3.0',
    needsClang: false,
    call: { method: 'POST', path: '/greet?name=Ada', data: 'good morning' },
    compile: buildTypeScript,
    dependsOn: SDK_SOURCES,
  }),
  example({
    name: 'fetch-two-ts',
    summary: 'a TypeScript handler that fetches two URLs at once',
    file: 'src/fetch-two.ts',
    world: 'wasi:http/handler@0.3.0',
    needsClang: false,
    call: { method: 'GET', path: '/' },
    compile: buildTypeScript,
    dependsOn: SDK_SOURCES,
  }),
  example({
    name: 'orders-ts',
    summary: 'a TypeScript handler of messages and schedules',
    file: 'src/orders.ts',
    world: 'mayfly:events/queue-handler@0.1.0',
    needsClang: false,
    call: { method: 'GET', path: '/' },
    compile: buildTypeScript,
    dependsOn: SDK_SOURCES,
  }),
  example({
    name: 'pipeline-ts',
    summary: 'a TypeScript pipeline: a file, messages, results, a report',
    file: 'src/pipeline.ts',
    world: 'wasi:http/handler@0.3.0',
    needsClang: false,
    call: { method: 'GET', path: '/' },
    compile: buildTypeScript,
    dependsOn: SDK_SOURCES,
  }),
  example({
    name: 'word-count-c',
    summary: 'a C program that counts words (wasip1)',
    file: 'word-count.c',
    world: 'wasip1',
    needsClang: true,
    call: { method: 'POST', path: '/', data: 'a mayfly lives for a day' },
    compile: compileC,
    command: (source, output) => clangCommand(source, output).join(' '),
    dependsOn: [here('./c-program.ts'), here('./c-program.js')].filter((path) => existsSync(path)),
  }),
  example({
    name: 'tiny-wat',
    summary: 'a component written by hand, as small as they come',
    file: 'tiny.wat',
    world: 'wasi:http/incoming-handler@0.2.0',
    needsClang: false,
    call: { method: 'GET', path: '/' },
    compile: (source, outFile) => buildWat(source, { outFile, keepNames: false }),
    dependsOn: [],
  }),
];

export function exampleNamed(name: string): Example | undefined {
  return EXAMPLES.find((candidate) => candidate.name === name);
}
