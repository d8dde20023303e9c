import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compareProgram } from './compare-program.ts';
import { OWN_PROGRAMS } from './own-programs.ts';

for (const [name, leastFuel] of Object.entries(OWN_PROGRAMS)) {
  test(`${name} gives the same bytes metered as not`, async (t) => {
    const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
    const { plain, metered, meter } = await compareProgram(path);
    t.true(plain.length > 1_000, `only ${plain.length} bytes`);
    t.true(plain.equals(metered), `${plain.length} bytes became ${metered.length}`);
    t.true(meter.fuel > leastFuel, `${meter.fuel} units`);
    t.true(meter.metered > meter.plain);
  });
}
