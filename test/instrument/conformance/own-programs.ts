/** Files of programs/: modules that the project's own dependencies carry, with the least fuel that each is known to take. */
export const OWN_PROGRAMS: Readonly<Record<string, number>> = {
  'wasm-tools': 50_000_000,
  'js-component-bindgen': 20_000_000,
  llhttp: 400_000,
  'es-module-lexer': 10_000_000,
  wabt: 10_000_000,
  binaryen: 100_000_000,
};
