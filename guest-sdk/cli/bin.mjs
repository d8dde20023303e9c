#!/usr/bin/env node
/**
 * The command `mayfly`. It may be started by a Node that is too old for the rest of this package, so this file is
 * plain JavaScript for Node 18 and later: it hands over to the Node that the package depends on, with the same
 * arguments and streams, passes signals on and ends as that process ends.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXIT_FAILED = 1;
const here = dirname(fileURLToPath(import.meta.url));
// A checkout has the sources beside this file, and they are newer than any build; a package has `dist/` alone.
const candidates = [join(here, 'main.ts'), join(here, '../../dist/guest-sdk/cli/main.js')];

function fail(message) {
  process.stderr.write(`mayfly: ${message}\n`);
  process.exit(EXIT_FAILED);
}

function findNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const path = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(path)) return path;
    return fail(
      `the Node.js that this package brings along is missing (${path}).\nIts install script did not run; run: npm rebuild node`,
    );
  } catch {
    return fail(
      'the npm package `node`, which this package depends on, is not installed.\nInstall this package again: npm install mayfly',
    );
  }
}

const main = candidates.find((path) => existsSync(path));
if (main === undefined) fail(`this package is incomplete: there is no ${candidates[1]}`);

/** Compiled and type-stripped modules: with them a command starts in half the time. Where it cannot be written, Node goes without. */
const compileCache = join(here, '../../node_modules/.cache/compiled');
const child = spawn(findNode(), [main, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
});
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on('error', (error) => fail(`the bundled Node.js does not start: ${error.message}`));
child.on('exit', (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
