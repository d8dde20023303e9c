import { compileFunction } from 'node:vm';

/**
 * jco emits its glue as an ES module. A module can never be collected once evaluated, and the glue is evaluated
 * per instance, so it becomes the body of a function `(WebAssembly) => instantiate` here.
 *
 * The text has two exports (`instantiate`, `_util`), no static import, and two uses that only a module or Node
 * can serve, both for loading core modules from a URL, which never happens since the host passes
 * `getCoreModule`. Anything else is a jco that this file does not know: it throws, and compiling the result
 * here proves that no module syntax is left.
 */
export function glueScript(source: string): string {
  let body = replaceOnce(source, /^export function instantiate\(/m, 'function instantiate(');
  body = replaceOnce(body, /^export const _util = /m, 'const _util = ');
  body = replaceOnce(body, /new URL\(`\.\/\$\{name\}`, import\.meta\.url\)/, 'undefined');
  body = replaceOnce(body, /await import\('node:fs\/promises'\)/, 'undefined');
  const script = `${PROLOGUE}${body}\nreturn instantiate;\n`;
  try {
    compileFunction(script, ['WebAssembly']);
  } catch (cause) {
    throw new Error('the glue is no function body after its exports were removed', { cause });
  }
  // Dynamic imports would compile; there is none left in a glue that this file knows.
  if (/\bimport\s*\(/.test(body)) throw new Error('the glue has a dynamic import');
  return script;
}

/**
 * What the glue sees of the host: `globalThis` is looked at for `WebAssembly` and, on each traced call, for
 * `process.env.JCO_DEBUG`, a native accessor that would cost a microsecond.
 */
const PROLOGUE = `'use strict';
const globalThis = { __proto__: null, WebAssembly };
const process = undefined, fetch = undefined;
`;

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  const matches = text.match(new RegExp(pattern.source, `${pattern.flags}g`))?.length ?? 0;
  if (matches !== 1) throw new Error(`the glue has ${matches} instead of one ${pattern.source}`);
  return text.replace(pattern, () => replacement);
}
