import { compileFunction } from 'node:vm';
import { HANDLES_PER_TABLE } from '../limits/limits.ts';

/**
 * jco emits its glue as an ES module. A module can never be collected once evaluated, and the glue is evaluated
 * per instance, so it becomes the body of a function `(WebAssembly, chargeLength, chargeElements, ...) => instantiate` here.
 *
 * The text has two exports (`instantiate`, `_util`), no static import, and two uses that only a module or Node
 * can serve, both for loading core modules from a URL, which never happens since the host passes
 * `getCoreModule`. Anything else is a jco that this file does not know: it throws, and compiling the result
 * here proves that no module syntax is left.
 */
export function glueScript(source: string): string {
  let body = replaceOnce(source, /^ *export function instantiate\(/m, 'function instantiate(');
  body = replaceOnce(body, /^ *export const _util = /m, 'const _util = ');
  body = replaceOnce(body, /new URL\(`\.\/\$\{name\}`, import\.meta\.url\)/, 'undefined');
  body = replaceOnce(body, /await import\('node:fs\/promises'\)/, 'undefined');
  // A guest that waits for the outside while the glue has nothing of its own pending (it uploads after the head of
  // the response has come, say) is taken for a deadlock and trapped; the invocation's deadline is the judge here.
  body = replaceAtMostOnce(
    body,
    /^( *)function _checkForDeadlock\(\) \{$/m,
    'function _checkForDeadlock() { return;',
  );
  // Handles are numbers for the guest and entries of an array here: memory that no cap on the guest's own counts.
  body = replaceAtMostOnce(body, /^( *)if \(free === 0\) \{\n( *)table\.push\(0\);$/m, HANDLE_CHECK);
  // Long messages are outside of the heap that the host watches.
  body = replaceAtMostOnce(
    body,
    /^ *const debugMessage = readStrFn\(msgPtr, msgLen\);$/m,
    'chargeLength(msgLen); const debugMessage = cutMessage(readStrFn(msgPtr, msgLen));',
  );
  // Arguments are read in there, and kept until the host returns.
  body = body.replace(/^( *fn: \(\) => )(importFn\(\.\.\.params\)),$/gm, '$1holdArguments(() => $2),');
  body = withCharges(body);
  const script = `${PROLOGUE}${body}\nreturn instantiate;\n`;
  try {
    compileFunction(script, ['WebAssembly', 'chargeLength', 'chargeElements']);
  } catch (cause) {
    throw new Error('the glue is no function body after its exports were removed', { cause });
  }
  // Dynamic imports would compile; there is none left in a glue that this file knows.
  if (/\bimport\s*\(/.test(body)) throw new Error('the glue has a dynamic import');
  return script;
}

const HANDLE_CHECK = `if (free === 0) {
if (table.length > ${2 * HANDLES_PER_TABLE}) throw new WebAssembly.RuntimeError('more than ${HANDLES_PER_TABLE} handles of one resource');
table.push(0);`;

/**
 * What passes between guest and host is charged by its length (docs/fuel.md, host calls): `chargeLength` for bytes
 * and numbers, which are copied, `chargeElements` for what the glue makes one by one. The first three are jco's code
 * for WASI 0.2, the others its runtime for 0.3. What is read out of a stream (`chargeRead`) is no part of a call: a write of any length is read in pieces.
 */
const CHARGES: readonly (readonly [pattern: RegExp, charged: string])[] = [
  [/^ *(?:var|const|let) (len\d+) = [^;\n]+;$/gm, '$& chargeLength($1);'],
  [/^ *for \((?:let|var) i = 0; i < len\d+; i\+\+\) \{$/gm, '$& chargeElements(1);'],
  [/^ *for \((?:let|var) i = 0; i < vec\d+\.length; i\+\+\) \{$/gm, '$& chargeElements(1);'],
  [/^ *const codeUnits = dv\.getUint32\(ctx\.storagePtr \+ 4, true\);$/gm, '$& chargeLength(codeUnits);'],
  [/^ *const \{ ptr, len \} = _utf8AllocateAndEncode\(ctx\.vals\[0\],.*;$/gm, '$& chargeLength(len);'],
  [
    /^ *const readValuesAndReset = \(ctx, originalPtr, originalLen, dataPtr, len\) => \{$/gm,
    '$& (typedArray === undefined ? chargeElements : chargeLength)(len);',
  ],
  [
    /^ *const dataPtr = ctx\.realloc\(0, 0, elemAlign32, elemSize32 \* elems\.length\);$/gm,
    '$& chargeElements(elems.length);',
  ],
  [
    /^ *values = Array\.from\(new Uint8Array\(this\.#memory\.buffer, this\.#ptr, count\)\);$/gm,
    'chargeRead(count); $&',
  ],
  [
    /^ *new Uint8Array\(this\.#memory\.buffer, this\.#ptr, values\.length\)\.set\(values\);$/gm,
    '$& chargeLength(values.length);',
  ],
];

function withCharges(body: string): string {
  return CHARGES.reduce((text, [pattern, charged]) => text.replace(pattern, charged), body);
}

/**
 * What the glue sees of the host: `globalThis` is looked at for `WebAssembly` and, on each traced call, for
 * `process.env.JCO_DEBUG`, a native accessor that would cost a microsecond.
 */
const PROLOGUE = `'use strict';
const globalThis = { __proto__: null, WebAssembly };
const process = undefined, fetch = undefined;
`;

/** For what jco emits only where a component needs it. */
function replaceAtMostOnce(text: string, pattern: RegExp, replacement: string): string {
  return pattern.test(text) ? replaceOnce(text, pattern, replacement) : text;
}

function replaceOnce(text: string, pattern: RegExp, replacement: string): string {
  const matches = text.match(new RegExp(pattern.source, `${pattern.flags}g`))?.length ?? 0;
  if (matches !== 1) throw new Error(`the glue has ${matches} instead of one ${pattern.source}`);
  return text.replace(pattern, () => replacement);
}
