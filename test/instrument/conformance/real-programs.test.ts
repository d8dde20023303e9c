import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compareProgram } from './compare-program.ts';

/** Modules that the project's own dependencies carry, with the least fuel that each is known to take. */
const PROGRAMS: Readonly<Record<string, number>> = {
  'wasm-tools': 50_000_000,
  'js-component-bindgen': 20_000_000,
  llhttp: 400_000,
  'es-module-lexer': 10_000_000,
  wabt: 10_000_000,
  binaryen: 100_000_000,
};

for (const [name, leastFuel] of Object.entries(PROGRAMS)) {
  test(`${name} gives the same bytes metered as not`, async (t) => {
    const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
    const { plain, metered, meter } = await compareProgram(path);
    t.true(plain.length > 1_000, `only ${plain.length} bytes`);
    t.true(plain.equals(metered), `${plain.length} bytes became ${metered.length}`);
    t.true(meter.fuel > leastFuel, `${meter.fuel} units`);
    t.true(meter.metered > meter.plain);
  });
}
