/** Guests that take what the host has: handles, log space. Each ends with its own code, and others see nothing of it. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { clockCommand, plainCommand, writingCommand } from '../harness/wat-commands.ts';

let host: TestHost;
let operator: Operator;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  operator = new Operator(host);
  await operator.tenant('attacker');
  await operator.tenant('victim');
  await operator.deploy(
    'victim',
    'small',
    await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')),
  );
});
test.after.always(() => host.dispose());

async function attack(wat: string, calls: number): Promise<{ codes: string[]; victims: number[] }> {
  await operator.deploy('attacker', 'greedy', await parse(wat), { timeoutMs: 60_000, concurrency: 100 });
  let isOver = false;
  const attacking = Promise.all(
    Array.from({ length: calls }, () => operator.call('attacker', 'greedy')),
  ).finally(() => {
    isOver = true;
  });
  const victims: number[] = [];
  while (!isOver) victims.push((await operator.call('victim', 'small')).status);
  const codes = (await attacking).map(({ text }) => (JSON.parse(text) as { code: string }).code);
  return { codes: [...new Set(codes)], victims: [...new Set(victims)] };
}

test.serial('handles: ten callers whose guests make handles without end', async (t) => {
  const wat = clockCommand(
    '(func (export "run") (result i32) (loop $again (drop (call $subscribe (i64.const 1))) (br $again)) unreachable)',
  );
  const before = process.memoryUsage().rss;
  const { codes, victims } = await attack(wat, 10);
  t.deepEqual(codes, ['function_trapped']);
  t.deepEqual(victims, [200]);
  const grown = process.memoryUsage().rss - before;
  t.true(grown < 300 * 2 ** 20, `${(grown / 2 ** 20).toFixed(0)} MiB for 100,000 handles`);
});

test.serial('a response without end ends at its bound', async (t) => {
  const wat = writingCommand('(loop $again (drop (call $write)) (br $again)) unreachable');
  const endless = operator.deploy('attacker', 'endless', await parse(wat), { responseBytes: 4 * 2 ** 20 });
  await endless;
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, () => operator.call('attacker', 'endless')),
  );
  t.true(answers.every((answer) => answer.status === 'rejected' || answer.value.status !== 200));
  t.is((await operator.call('victim', 'small')).status, 200);
});
