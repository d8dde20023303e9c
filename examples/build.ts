/** `node examples/build.ts [name...]`: builds the examples named, or all of them. */

import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { BuildError } from '../guest-sdk/build/build-error.ts';
import { EXAMPLES, type Example, exampleNamed } from './examples.ts';

async function buildOne(example: Example): Promise<boolean> {
  const startedAt = performance.now();
  try {
    const output = await example.build();
    const { size } = await stat(output);
    const elapsedMs = Math.round(performance.now() - startedAt);
    console.log(`${example.name.padEnd(14)} ${relative('', output)} ${size} bytes, ${elapsedMs} ms`);
    return true;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`${example.name.padEnd(14)} ${error.message}\n${error.frame}`);
    return false;
  }
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => exampleNamed(name) === undefined);
if (unknown.length > 0) {
  console.error(
    `no such example: ${unknown.join(', ')}; there are ${EXAMPLES.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
let isComplete = true;
for (const example of EXAMPLES) {
  if (names.length > 0 && !names.includes(example.name)) continue;
  console.log(`$ ${example.command}`);
  isComplete = (await buildOne(example)) && isComplete;
}
process.exitCode = isComplete ? 0 : 1;
