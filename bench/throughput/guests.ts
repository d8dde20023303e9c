/** The guests: the same answer by a component written by hand, by QuickJS and by StarlingMonkey. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exampleNamed } from '../../examples/examples.ts';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { starlingGuest } from '../../test/harness/starling-guest.ts';
import { TEXT } from './subject.ts';

/** The handler that QuickJS runs in Mayfly, and V8 in workerd, where it is a module worker. */
export const HELLO_SOURCE: string = `export default { fetch() { return new Response(${JSON.stringify(TEXT)}); } };\n`;

const STARLING_SOURCE = `addEventListener('fetch', (event) => event.respondWith(new Response(${JSON.stringify(TEXT)})));\n`;

export const GUESTS = {
  small: async () => readFile(await exampleNamed('tiny-wat')!.build()),
  quickjs: async (folder) => {
    const [source, outFile] = [join(folder, 'hello.js'), join(folder, 'hello.wasm')];
    await writeFile(source, HELLO_SOURCE);
    await buildHandler(source, { outFile });
    return readFile(outFile);
  },
  starlingmonkey: () => starlingGuest(STARLING_SOURCE),
} as const satisfies Record<string, (folder: string) => Promise<Uint8Array>>;

export type GuestName = keyof typeof GUESTS;

export interface BuiltGuest {
  readonly name: GuestName;
  readonly bytes: Uint8Array;
  readonly path: string;
}

/** Builds all of them into a folder. */
export async function buildGuests(folder: string): Promise<Readonly<Record<GuestName, BuiltGuest>>> {
  await mkdir(folder, { recursive: true });
  const built: Partial<Record<GuestName, BuiltGuest>> = {};
  for (const [key, build] of Object.entries(GUESTS)) {
    const name = key as GuestName;
    const bytes = await build(folder);
    const path = join(folder, `${name}.wasm`);
    await writeFile(path, bytes);
    built[name] = { name, bytes, path };
  }
  return built as Record<GuestName, BuiltGuest>;
}
