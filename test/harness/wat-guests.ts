/** Components made of WAT and jco's copy of the WASI packages, at any patch version. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

const jco = dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco'));
const WIT = join(jco, '../lib/wit/builtin/0.2.12');
const PACKAGES = ['http', 'io', 'clocks', 'cli', 'random', 'filesystem', 'sockets'] as const;

/** WASI 0.2 at a patch version, as packages nested in one text. All of 0.2 has had these since 0.2.0. */
export async function nestedWit(version: string): Promise<string> {
  const texts = await Promise.all(
    PACKAGES.map((name) => readFile(join(WIT, `wasi-${name}`, 'package.wit'), 'utf8')),
  );
  const nested = texts.map((text) => `${text.replace(/^(package [^;]+);/m, '$1 {')}\n}`);
  return nested.join('\n').replaceAll('0.2.12', version);
}

/** @param world its items; what it names is in `wit` */
export async function watComponent(wat: string, world: string, wit: string): Promise<Uint8Array> {
  const witSource = `package test:guest@0.1.0;\nworld guest { ${world} }\n${wit}`;
  return componentNew(await componentEmbed({ binary: await parse(wat), witSource, world: 'guest' }), []);
}

/** The guest of `echo.wat`, at a version of WASI. */
export async function echoGuest(version: string): Promise<Uint8Array> {
  const wat = await readFile(new URL('echo.wat', import.meta.url), 'utf8');
  return watComponent(
    wat.replaceAll('0.2.12', version),
    `import wasi:http/types@${version}; export wasi:http/incoming-handler@${version};`,
    await nestedWit(version),
  );
}
