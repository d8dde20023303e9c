import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { SpaceAccount } from '../../host/instance/space-account.ts';
import { classifyTrap } from '../../host/instance/trap.ts';

function accounts({ isRefusedMemory }: { readonly isRefusedMemory: boolean }) {
  const memory = new SpaceAccount(100, 90);
  memory.reserve(isRefusedMemory ? 20 : 10);
  return { fuel: new FuelAccount(1_000, 1_000), memory, tables: new SpaceAccount(10, 0) };
}

test('an error that a guest returns after it was refused memory is put down to the memory', (t) => {
  const error = new MayflyError('function_failed', 'The guest exited with status 1.');
  t.is(classifyTrap(error, accounts({ isRefusedMemory: false })).code, 'function_failed');
  t.like(classifyTrap(error, accounts({ isRefusedMemory: true })), {
    code: 'memory_exceeded',
    detail: 'Memory is capped at 100 bytes. The guest ended with: The guest exited with status 1.',
  });
});

test('any other error of the host stays what it is', (t) => {
  const error = new MayflyError('response_invalid', 'No such status.');
  t.is(classifyTrap(error, accounts({ isRefusedMemory: true })).code, 'response_invalid');
});

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
