import test from 'ava';
import { classifyTrap } from '../../host/instance/trap.ts';

test("a guest's frames are told as V8 writes them, without the host's", (t) => {
  const error = new Error('unreachable');
  error.stack = [
    'RuntimeError: unreachable',
    '    at wasm://wasm/006de23a:wasm-function[7]:0x1b6',
    '    at count (wasm://wasm/app-006de23a:wasm-function[8]:0x1b7)',
    '    at host (/srv/host/instance/guest.ts:1:1)',
  ].join('\n');
  t.is(
    classifyTrap(error, undefined).log,
    'unreachable\n    at 006de23a:wasm-function[7]:0x1b6\n    at count (006de23a:wasm-function[8]:0x1b7)',
  );
});
