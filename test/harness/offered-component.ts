/** A component that imports every function that the host offers, with the types of the packages that define them. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { readImportSignatures } from '../../host/compiler/import-signatures.ts';
import { OFFERED_INTERFACES, type OfferedInterface } from '../../host/wasi/offered.ts';

const WIT = join(
  dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')),
  '../lib/wit/builtin',
);
/** The newest of each. */
const FULL_VERSIONS: Readonly<Record<OfferedInterface['versions'], string>> = {
  '0.1': '0.1.0',
  '0.2': '0.2.12',
  '0.3': '0.3.0',
  '0.2.0-rc.2': '0.2.0-rc.2',
};

/** Texts of the packages by the versions of interfaces that they are offered in. */
export async function offeredPackages(): Promise<
  ReadonlyMap<OfferedInterface['versions'], readonly string[]>
> {
  const packages = (folder: string, names: readonly string[]) =>
    Promise.all(names.map((name) => readFile(join(WIT, folder, `wasi-${name}`, 'package.wit'), 'utf8')));
  const own = (names: readonly string[]) =>
    Promise.all(names.map((name) => readFile(new URL(`../../wit/${name}.wit`, import.meta.url), 'utf8')));
  return new Map([
    ['0.2', await packages('0.2.12', ['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets'])],
    ['0.3', await packages('0.3.0', ['cli', 'clocks', 'filesystem', 'http', 'random', 'sockets'])],
    ['0.1', await own(['mayfly-http', 'mayfly-telemetry'])],
    ['0.2.0-rc.2', await own(['wasi-otel'])],
  ]);
}

/** @param change of the text, of all packages and of the world that imports what they have */
export async function offeredComponent(change?: (wit: string) => string): Promise<Uint8Array> {
  return componentNew(await offeredModule(change), []);
}

/** The same as toolchains for wasip1 leave it: a core module with the types embedded. */
export async function offeredModule(change: (wit: string) => string = (wit) => wit): Promise<Uint8Array> {
  const texts = [...(await offeredPackages()).values()].flat();
  const nested = texts.map((text) => `${text.replace(/^(package [^;]+);/m, '$1 {')}\n}`);
  const imports = OFFERED_INTERFACES.map(
    ({ interface: name, versions }) => `import ${name}@${FULL_VERSIONS[versions]};`,
  );
  const witSource = `package test:offered@0.1.0;\nworld offered { ${imports.join(' ')} }\n${nested.join('\n')}`;
  return componentEmbed({
    witSource: change(witSource),
    world: 'offered',
    dummy: true,
    features: { tag: 'all' },
  });
}

/** Of each offered interface (`wasi:io/poll@0.2`): its functions, sorted, and the digests of their types. */
export async function packageFunctions(): Promise<Record<string, Record<string, string>>> {
  const signatures = readImportSignatures(await offeredComponent());
  return Object.fromEntries(
    OFFERED_INTERFACES.map(({ interface: name, versions }) => {
      const functions = signatures.get(`${name}@${FULL_VERSIONS[versions]}`) ?? new Map<string, string>();
      return [`${name}@${versions}`, Object.fromEntries([...functions].sort(([a], [b]) => (a < b ? -1 : 1)))];
    }),
  );
}
