/** Callers who send for ever: what the function does not read stays with them, and time and size have an end. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection } from '../harness/raw-connection.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';

const SENDERS = 20;
const CHUNK = `10000\r\n${'x'.repeat(65_536)}\r\n`;

let host: TestHost;
let operator: Operator;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  operator = new Operator(host);
  const sleeping = clockCommand(
    '(func (export "run") (result i32) (call $sleep (i64.const 3600000000000)) (i32.const 0))',
  );
  await operator.deploy('default', 'sleeping', await parse(sleeping), { timeoutMs: 2_000 });
  const small = plainCommand('(func (export "run") (result i32) (i32.const 0))');
  await operator.deploy('default', 'small', await parse(small));
});
test.after.always(() => host.dispose());

test.serial('a body that nobody reads costs its buffer, and ends with the invocation', async (t) => {
  const before = process.memoryUsage().rss;
  const senders = await Promise.all(
    Array.from({ length: SENDERS }, () => RawConnection.open(host.running.port)),
  );
  const sending = senders.map(async (connection) => {
    await connection.send(
      'POST /fn/default/sleeping/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    // Sends as fast as it is let, until it is answered.
    const over = connection.until(/timed_out/).then(() => true);
    while (!(await Promise.race([connection.send(CHUNK).then(() => false), over])));
    return connection.received;
  });
  for (let i = 0; i < 20; i++) t.is((await operator.call('default', 'small')).status, 200);
  for (const received of await Promise.all(sending))
    t.regex(received, /^HTTP\/1\.1 504 .*connection: close/is);
  const grown = process.memoryUsage().rss - before;
  t.true(grown < 200 * 2 ** 20, `${(grown / 2 ** 20).toFixed(0)} MiB for ${SENDERS} endless bodies`);
  for (const connection of senders) connection.destroy();
});

test.serial('a body to a function that is not there is refused before it is sent', async (t) => {
  const connection = await RawConnection.open(host.running.port);
  void connection.send(
    `POST /fn/default/nobody/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${CHUNK}`,
  );
  t.regex(await connection.until(/function_not_found/), /connection: close/i);
  await connection.closed();
});
