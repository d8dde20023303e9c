import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import binaryen from 'binaryen';

/** Optimises a real module. */
export default async function run(): Promise<Uint8Array> {
  const jco = dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco-transpile'));
  const bytes = readFileSync(join(jco, '../vendor/wasm-tools.core2.wasm'));
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  binaryen.setOptimizeLevel(3);
  module.optimize();
  if (!module.validate()) throw new Error('not valid');
  return Buffer.concat([Buffer.from(module.emitText()), module.emitBinary()]);
}
