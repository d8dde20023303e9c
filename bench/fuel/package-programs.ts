/**
 * Programs that people publish: engines, codecs and parsers from npm, run by their own glue. They are installed
 * into a folder of the bench's, never with the host.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Engine, GuestProgram, LoadedProgram } from './guest-program.ts';

const PACKAGES = {
  'quickjs-wasi': '3.6.2',
  'sql.js': '1.16.0',
  '@jsquash/png': '3.1.1',
  '@resvg/resvg-wasm': '2.6.2',
  'web-tree-sitter': '0.27.1',
  'tree-sitter-javascript': '0.25.0',
  '@astral-sh/ruff-wasm-nodejs': '0.17.4',
};

const run = promisify(execFile);

/** Installs the packages once; later runs find them. */
export async function installPackages(folder: string): Promise<void> {
  if (existsSync(join(folder, 'node_modules/quickjs-wasi'))) return;
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: PACKAGES }),
  );
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
}

/** Loads glue with a `WebAssembly` that compiles and instantiates through `engine`. */
async function withEngine<T>(engine: Engine, load: () => Promise<T>): Promise<T> {
  const { Module, Instance, compile, instantiate } = WebAssembly;
  const compileBytes = (source: unknown): WebAssembly.Module =>
    engine.compile(ArrayBuffer.isView(source) ? viewBytes(source) : new Uint8Array(source as ArrayBuffer));
  const hooked = {
    Module: new Proxy(Module, { construct: (_, [source]) => compileBytes(source) }),
    Instance: new Proxy(Instance, {
      construct: (_, [module, imports]) =>
        engine.instantiate(module as WebAssembly.Module, imports as WebAssembly.Imports),
    }),
    compile: async (source: unknown) => compileBytes(source),
    instantiate: async (source: unknown, imports?: WebAssembly.Imports) => {
      if (source instanceof Module) return engine.instantiate(source, imports);
      const module = compileBytes(source);
      return { module, instance: engine.instantiate(module, imports) };
    },
  };
  Object.assign(WebAssembly, hooked);
  try {
    return await load();
  } finally {
    Object.assign(WebAssembly, { Module, Instance, compile, instantiate });
  }
}

function viewBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** What the programs use of the packages' interfaces. */
interface QuickJs {
  QuickJS: {
    create(options: {
      wasm: Uint8Array;
    }): Promise<{ evalCode(code: string): { toNumber(): number; dispose(): void } }>;
  };
}
interface Sql {
  Database: new () => { exec(sql: string): { values: unknown[][] }[]; close(): void };
}
interface Png {
  default(source: Uint8Array): Promise<unknown>;
  encode(pixels: Uint8Array, width: number, height: number, bits: number): Uint8Array;
  decode(bytes: Uint8Array): { data: Uint8ClampedArray };
}
interface Resvg {
  initWasm(source: Uint8Array): Promise<void>;
  Resvg: new (svg: string) => { render(): { pixels: Uint8Array; free(): void }; free(): void };
}
interface Ruff {
  PositionEncoding: { Utf16: number };
  Workspace: new (
    options: object,
    encoding: number,
  ) => { check(source: string): unknown[]; format(source: string): string };
}
interface TreeSitter {
  Parser: {
    new (): {
      setLanguage(language: unknown): void;
      parse(source: string): { rootNode: { descendantCount: number }; delete(): void };
    };
    init(options: object): Promise<void>;
  };
  Language: { load(bytes: Uint8Array): Promise<unknown> };
}

/** Sum that depends on every byte. */
function checksum(bytes: Iterable<number>): number {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return sum;
}

/** Several hundred lines of JavaScript, for an engine to run and for a parser to read. */
const SCRIPT = `
  function words(n) { const out = []; for (let i = 0; i < n; i++) out.push('w' + ((i * 7919) % 1009).toString(36)); return out; }
  class Tree { constructor(key) { this.key = key; this.left = null; this.right = null; this.count = 1; }
    insert(key) { if (key === this.key) { this.count++; return; }
      const side = key < this.key ? 'left' : 'right';
      if (this[side] === null) this[side] = new Tree(key); else this[side].insert(key); }
    *[Symbol.iterator]() { if (this.left) yield* this.left; yield this.key; if (this.right) yield* this.right; } }
  function run() {
    const list = words(300), root = new Tree('m');
    for (const word of list) root.insert(word);
    const counts = new Map();
    for (const word of root) counts.set(word.length, (counts.get(word.length) ?? 0) + 1);
    const text = JSON.stringify({ list, counts: [...counts] });
    let sum = 0;
    for (const [i, word] of JSON.parse(text).list.sort().entries()) sum = (sum * 31 + word.charCodeAt(i % word.length)) % 1000003;
    for (const match of text.matchAll(/w([0-9a-z])([a-z]?)/g)) sum += match[1].length + match[2].length;
    try { null.x; } catch (error) { sum += error.message.length; }
    return sum;
  }
`;

const PYTHON = Array.from(
  { length: 40 },
  (_, i) => `
def handler_${i}(request, *, retries = ${i}, timeout=3.5):
    """Answers one request."""
    values = [x*${i}+1 for x in range( 10 ) if x % 3 != ${i % 3}]
    if not values or len(values)>100 : return None
    try:
        total = {k: v for k,v in zip(values, map(lambda y: y ** 2, values))}
        print(f"{request!r}: {total[values[0]]:>{10}} after {retries} tries")
    except (KeyError, IndexError) as error:
        raise ValueError('nothing for ' + str(request)) from error
    return   {'total': sum(total.values()), "unused": ${i}}
`,
).join('\n');

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200">
  <defs><linearGradient id="g"><stop offset="0" stop-color="#f80"/><stop offset="1" stop-color="#08f"/></linearGradient></defs>
  ${Array.from({ length: 60 }, (_, i) => `<path d="M${(i * 37) % 200} ${(i * 53) % 200} q ${i} 40 60 ${i % 50} t 20 30 z" fill="url(#g)" stroke="#${(i * 4099 + 0x111111).toString(16)}" stroke-width="${1 + (i % 4)}" opacity="0.7"/>`).join('')}
  <circle cx="100" cy="100" r="70" fill="none" stroke="black" stroke-dasharray="4 3"/></svg>`;

/** The programs, from the packages under `folder`; each form of a program gets glue of its own. */
export function packagePrograms(folder: string): readonly GuestProgram[] {
  const modules = join(folder, 'node_modules');
  const bytesOf = (path: string): Promise<Uint8Array> => readFile(join(modules, path));
  const require = createRequire(join(folder, 'package.json'));
  const importFresh = async <T>(path: string, { isMetered }: Engine): Promise<T> =>
    (await import(`${pathToFileURL(join(modules, path)).href}?metered=${isMetered}`)) as T;
  const requireFresh = <T>(path: string): T => {
    const file = join(modules, path);
    delete require.cache[require.resolve(file)];
    return require(file) as T;
  };
  const programs: Record<string, (engine: Engine) => Promise<LoadedProgram['run']>> = {
    async quickjs(engine) {
      const { QuickJS } = await importFresh<QuickJs>('quickjs-wasi/dist/index.js', engine);
      const vm = await QuickJS.create({ wasm: await bytesOf('quickjs-wasi/quickjs.wasm') });
      vm.evalCode(SCRIPT).dispose();
      return () => {
        const result = vm.evalCode('run()');
        const sum = result.toNumber();
        result.dispose();
        return sum;
      };
    },
    async sqlite(engine) {
      const path = 'sql.js/dist/sql-wasm.js';
      const wasmBinary = await bytesOf('sql.js/dist/sql-wasm.wasm');
      const sql = await requireFresh<(options: object) => Promise<Sql>>(path)({ wasmBinary });
      void engine;
      return () => {
        const database = new sql.Database();
        database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, amount REAL, kind INTEGER)');
        database.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
          INSERT INTO t SELECT i, 'name ' || (i * 7919 % 1009), i * 1.5, i % 17 FROM n`);
        database.exec('CREATE INDEX by_name ON t (name)');
        const rows = database.exec(`SELECT kind, count(*), sum(amount), max(name) FROM t
          WHERE name LIKE '%7%' GROUP BY kind ORDER BY sum(amount) DESC`);
        const join = database.exec('SELECT count(*) FROM t a JOIN t b ON a.name = b.name AND a.id < b.id');
        database.close();
        return JSON.stringify([rows[0]!.values, join[0]!.values]);
      };
    },
    async png(engine) {
      const codec = await importFresh<Png>('@jsquash/png/codec/pkg/squoosh_png.js', engine);
      await codec.default(await bytesOf('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'));
      const side = 96;
      const pixels = Uint8Array.from({ length: side * side * 4 }, (_, i) => (i * i) >> 7);
      // `decode` makes an ImageData, which Node does not have.
      Object.assign(globalThis, { ImageData: ImagePixels });
      return () => checksum(codec.decode(codec.encode(pixels, side, side, 8)).data);
    },
    async resvg(engine) {
      const { initWasm, Resvg } = await importFresh<Resvg>('@resvg/resvg-wasm/index.mjs', engine);
      await initWasm(await bytesOf('@resvg/resvg-wasm/index_bg.wasm'));
      return () => {
        const drawing = new Resvg(SVG);
        const image = drawing.render();
        const sum = checksum(image.pixels);
        image.free();
        drawing.free();
        return sum;
      };
    },
    async ruff(engine) {
      void engine;
      const { Workspace, PositionEncoding } = requireFresh<Ruff>('@astral-sh/ruff-wasm-nodejs/ruff_wasm.js');
      const workspace = new Workspace({ lint: { select: ['E', 'F', 'B'] } }, PositionEncoding.Utf16);
      return () => workspace.check(PYTHON).length + checksum(Buffer.from(workspace.format(PYTHON)));
    },
    async tree_sitter(engine) {
      const { Parser, Language } = await importFresh<TreeSitter>(
        'web-tree-sitter/web-tree-sitter.js',
        engine,
      );
      await Parser.init({ wasmBinary: await bytesOf('web-tree-sitter/web-tree-sitter.wasm') });
      const language = await Language.load(
        await bytesOf('tree-sitter-javascript/tree-sitter-javascript.wasm'),
      );
      const parser = new Parser();
      parser.setLanguage(language);
      const source = SCRIPT.repeat(4);
      return () => {
        const tree = parser.parse(source);
        const count = tree.rootNode.descendantCount;
        tree.delete();
        return count;
      };
    },
  };
  return Object.entries(programs).map(([name, load]) => ({
    name,
    load: async (engine) => ({ run: await withEngine(engine, () => load(engine)) }),
  }));
}

class ImagePixels {
  readonly data: Uint8ClampedArray;
  constructor(data: Uint8ClampedArray) {
    this.data = data;
  }
}
