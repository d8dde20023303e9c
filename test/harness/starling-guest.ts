/**
 * Guests with a whole web runtime inside (StarlingMonkey): 14 MB, and 20 s to build. Each is built once per
 * machine and source, and kept in the system's folder for temporary files.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface ComponentizeJs {
  readonly version: string;
  componentize(options: {
    readonly sourcePath: string;
    readonly witPath: string;
    readonly worldName: string;
  }): Promise<{ readonly component: Uint8Array }>;
}

const jco = createRequire(import.meta.url).resolve('@bytecodealliance/jco');
const WIT = join(dirname(jco), '../lib/wit/builtin');
/** The one version that its engine was built against; jco has http only as 0.2.12, which is the same. */
const VERSION = '0.2.10';
const PACKAGES = [
  ['io', '0.2.10'],
  ['clocks', '0.2.10'],
  ['http', '0.2.12'],
] as const;
const WORLD = `package test:guest;
world guest { import wasi:http/outgoing-handler@${VERSION}; export wasi:http/incoming-handler@${VERSION}; }
`;

/** The one that tests share, so that it is built once. */
export const STARLING_GUEST = `
let calls = 0;
addEventListener('fetch', (event) => event.respondWith(handle(event.request)));
async function handle(request) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case '/json':
      console.log(\`\${request.method} \${url.search}\`);
      return Response.json({ query: url.searchParams.get('q'), header: request.headers.get('x-test'), calls: ++calls });
    case '/stream': {
      const encoder = new TextEncoder();
      let part = 0;
      const pull = (controller) => part++ < 5 ? controller.enqueue(encoder.encode(\`part \${part}\\n\`)) : controller.close();
      return new Response(new ReadableStream({ pull }), { status: 201, headers: { 'x-streamed': 'yes' } });
    }
    case '/echo': return new Response(request.body);
    case '/fetch':
      return Response.json(await Promise.all(url.searchParams.getAll('url').map(async (u) => (await fetch(u)).text())));
    case '/throw': throw new Error('thrown on purpose');
  }
  return new Response('not here', { status: 404 });
}
`;

/** A component from a script that listens for `fetch` events. */
export async function starlingGuest(source: string): Promise<Uint8Array> {
  const { componentize, version } = await loadComponentizeJs();
  const key = createHash('sha256').update(`${version}\0${WORLD}\0${source}`).digest('hex').slice(0, 32);
  const cached = join(tmpdir(), `mayfly-starling-${key}.wasm`);
  const kept = await readFile(cached).catch(() => undefined);
  if (kept !== undefined) return kept;
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-starling-'));
  try {
    await writeWit(join(folder, 'wit'));
    await writeFile(join(folder, 'guest.js'), source);
    const { component } = await componentize({
      sourcePath: join(folder, 'guest.js'),
      witPath: join(folder, 'wit'),
      worldName: 'guest',
    });
    // Through a temporary name: another test process may build the same.
    await writeFile(join(folder, 'guest.wasm'), component);
    await rename(join(folder, 'guest.wasm'), cached);
    return component;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The copy that jco itself depends on. */
async function loadComponentizeJs(): Promise<ComponentizeJs> {
  const entry = packageFile(jco, '@bytecodealliance/componentize-js', 'src/componentize.js');
  // Its own tools are components that read files, and their shim shows them none unless it is told to.
  const shim = packageFile(entry, '@bytecodealliance/preview2-shim', 'dist/nodejs/filesystem.js');
  const { _addPreopen } = (await import(pathToFileURL(shim).href)) as {
    _addPreopen(guest: string, host: string): void;
  };
  _addPreopen('/', '/');
  return (await import(pathToFileURL(entry).href)) as ComponentizeJs;
}

/** A file of a package as seen from another file: these packages have entries for `import` alone, which `require.resolve` does not find. */
function packageFile(from: string, name: string, file: string): string {
  const folders = createRequire(from).resolve.paths(name) ?? [];
  const found = folders.map((folder) => join(folder, name, file)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

async function writeWit(folder: string): Promise<void> {
  for (const [name, version] of PACKAGES) {
    const text = await readFile(join(WIT, version, `wasi-${name}`, 'package.wit'), 'utf8');
    // Worlds would ask for packages that this one does without.
    const interfaces = text
      .replaceAll('0.2.12', VERSION)
      .replace(/^(?:@[^\n]*\n)*world [\w-]+ \{[^}]*\}/gm, '');
    await mkdir(join(folder, 'deps', name), { recursive: true });
    await writeFile(join(folder, 'deps', name, 'package.wit'), interfaces);
  }
  await writeFile(join(folder, 'world.wit'), WORLD);
}
