/** Thousands of connections that say nothing: the host keeps as many as it may, and those that ask are served. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { cCommand, ECHO } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { exchange, RawConnection, statuses } from '../harness/raw-connection.ts';
import { plainCommand } from '../harness/wat-commands.ts';

const BOUND = 100;
const IDLE = 3_000;

let host: TestHost;
let operator: Operator;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1', MAYFLY_MAX_CONNECTIONS: String(BOUND) } });
  operator = new Operator(host);
  await operator.deploy(
    'default',
    'small',
    await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')),
  );
  await operator.deploy('default', 'echo', await cCommand(ECHO), { concurrency: 1_000, timeoutMs: 60_000 });
});
test.after.always(() => host.dispose());

test.serial('who has been idle longest makes room, and who asks is served', async (t) => {
  const connections: RawConnection[] = [];
  let served = 0;
  for (let i = 0; i < IDLE; i += 100) {
    connections.push(
      ...(await Promise.all(Array.from({ length: 100 }, () => RawConnection.open(host.running.port)))),
    );
    // A half head is idle, too.
    for (const connection of connections.slice(-50)) void connection.send('GET /fn/default/small/ HT');
    // On a connection of its own: one that is kept alive is idle, and may make room, too.
    const answer = await exchange(
      host.running.port,
      'GET /fn/default/small/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    if (statuses(answer)[0] === 200) served++;
  }
  t.is(served, IDLE / 100);
  await Promise.all(connections.slice(0, -BOUND).map((connection) => connection.closed()));
  t.true(connections.filter(({ isClosed }) => !isClosed).length <= BOUND);
  for (const connection of connections) connection.destroy();
});

test.serial(
  'where all of them are at work, a new one is told so, and nobody at work is disturbed',
  async (t) => {
    // The agent's own connections count as well; they are idle, and make room.
    const working = await Promise.all(
      Array.from({ length: BOUND }, async () => {
        const connection = await RawConnection.open(host.running.port);
        await connection.send(
          'POST /fn/default/echo/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n',
        );
        await connection.until(/first/);
        return connection;
      }),
    );
    const refused = await (await RawConnection.open(host.running.port)).closed();
    t.regex(refused, /^HTTP\/1\.1 503 .*retry-after: 1.*"code":"too_many_connections"/s);
    for (const connection of working) await connection.send('0\r\n\r\n');
    for (const connection of working) t.regex(await connection.closed(), /200 OK/);
    t.is((await operator.call('default', 'small')).status, 200);
  },
);
