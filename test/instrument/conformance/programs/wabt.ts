import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import wabt from 'wabt';

/** Validates a real module, prints it, and assembles the text again. */
export default async function run(): Promise<Uint8Array> {
  const { parseWat, readWasm } = await wabt();
  const jco = dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco-transpile'));
  const bytes = readFileSync(join(jco, '../vendor/wasm-tools.core2.wasm'));
  const module = readWasm(bytes, { readDebugNames: true });
  module.generateNames();
  module.applyNames();
  module.validate();
  const text = module.toText({ foldExprs: true, inlineExport: false });
  const again = parseWat('again.wat', text).toBinary({ write_debug_names: true });
  return Buffer.concat([Buffer.from(text), again.buffer]);
}
