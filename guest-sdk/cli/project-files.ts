/** What a new project of a function in TypeScript consists of. Its source is one of the examples. */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { type OwnPackage, ownPackage } from './own-package.ts';

/** By the name that a person chooses. */
export const TEMPLATES = {
  http: { source: 'hello-ts/src/hello.ts', about: 'answers HTTP requests' },
  events: { source: 'orders-ts/src/orders.ts', about: 'handles messages of a queue, and ticks of schedules' },
  pipeline: {
    source: 'pipeline-ts/src/pipeline.ts',
    about: 'turns a file into messages, each into a result, and reports on them',
  },
} as const;

export type TemplateName = keyof typeof TEMPLATES;

const EXAMPLES = new URL('../../examples/', import.meta.url);

export interface ProjectOptions {
  /** Of the function, and of the project. */
  readonly name: string;
  readonly template: TemplateName;
  /** Where it will be. */
  readonly folder: string;
}

/** Paths below the folder, and what is in them. */
export async function projectFiles(options: ProjectOptions): Promise<ReadonlyMap<string, string>> {
  const { name, template } = options;
  const source = await readFile(new URL(TEMPLATES[template].source, EXAMPLES), 'utf8');
  return new Map([
    ['package.json', json(manifest(options, ownPackage()))],
    ['tsconfig.json', json(COMPILER)],
    ['.gitignore', 'node_modules/\n.mayfly/\n*.wasm\n'],
    ['README.md', readme(name)],
    [sourcePath(name), source],
  ]);
}

export function sourcePath(name: string): string {
  return `src/${name}.ts`;
}

function manifest({ name, folder }: ProjectOptions, own: OwnPackage): object {
  const source = sourcePath(name);
  return {
    name,
    private: true,
    type: 'module',
    scripts: { dev: `mayfly dev ${source}`, deploy: `mayfly deploy ${source}`, types: 'tsc' },
    devDependencies: {
      mayfly: own.isInstalled ? `^${own.version}` : `file:${relative(folder, own.folder)}`,
      typescript: `^${own.devDependencies['typescript']}`,
    },
  };
}

/** A bundler resolves, Node strips nothing, and the web's classes come from `dom`. */
const COMPILER = {
  compilerOptions: {
    target: 'esnext',
    module: 'preserve',
    moduleResolution: 'bundler',
    lib: ['esnext', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
  include: ['src'],
};

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readme(name: string): string {
  return `# ${name}

    npm install
    npm run dev      # runs it on this machine, and again at each change
    npm run deploy   # publishes it on the host that MAYFLY_URL names, with the key in MAYFLY_KEY
    npm run types    # checks its types

While \`npm run dev\` runs, every other command talks to it from this folder: \`npx mayfly invoke ${name}\`, \`npx mayfly logs ${name}\`,
\`npx mayfly configure ${name} --help\`.
`;
}
