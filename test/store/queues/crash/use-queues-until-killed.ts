/**
 * Sends, claims and settles, and says what it has been told, until it is killed: `sent ID TEXT`, `claimed ID`, `settling ID` before a message is
 * settled as done, `settled ID` once it is. With `send` as third argument it only sends, and ends with `refused CODE` when it is refused.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { MayflyError } from '../../../../host/errors.ts';
import { SqliteQueues } from '../../../../host/store/queues/sqlite-queues.ts';
import { claim, orders, settings, textMessage } from '../conformance/harness.ts';
import { randomFrom } from '../conformance/interleavings.ts';

const [path = '', seed = '0', what = 'all'] = process.argv.slice(2);
const pick = randomFrom(Number(seed));
// A log that is copied and begun anew again and again, so that kills meet that as well.
const engine = new SqliteQueues({ path, checkpoints: { pages: { pass: 10, restart: 30, most: 100 } } });

/** Synchronous, so that what the parent has read was acknowledged before the kill. */
function say(lines: readonly string[]): void {
  if (lines.length > 0) writeSync(1, `${lines.join('\n')}\n`);
}

/** Texts are `SEED.CALL.INDEX.OF`, and those of a group grow in the order in which they are sent. */
async function send(call: number): Promise<void> {
  const group = pick(4);
  const size = 1 + pick(6);
  const texts = Array.from({ length: size }, (_, index) => `${seed}.${call}.${index}.${size}`);
  // Not all in a page of their row, and none that compresses.
  const padding = randomBytes(pick(3) * 700).toString('base64');
  const messages = texts.map((text) =>
    textMessage(`${text} ${padding}`, group > 0 ? { groupKey: `${group}` } : {}),
  );
  const sent = await engine.send(orders, settings, messages);
  say(sent.map(({ id }, index) => `sent ${id} ${texts[index]}`));
}

async function consume(): Promise<void> {
  const claimed = await claim(engine, { maxMessages: 1 + pick(8) });
  if (claimed === undefined) return;
  say(claimed.messages.map(({ id }) => `claimed ${id}`));
  if (pick(3) === 0) return;
  const ids = claimed.messages.map(({ id }) => id).filter(() => pick(4) > 0);
  say(ids.map((id) => `settling ${id}`));
  const kinds = ids.map((id) => ({ id, kind: 'done' }) as const);
  if (await engine.settle(claimed, kinds)) say(ids.map((id) => `settled ${id}`));
}

// What the engine waits with does not keep a process.
const alive = setInterval(() => {}, 60_000);
let call = 0;
try {
  for (;;) {
    // One sender, so that the order of a group is the order of its calls; consumers beside it.
    const consumers = what === 'send' ? [] : [consume(), consume()];
    await Promise.all([send(call++), ...consumers]);
  }
} catch (error) {
  say([`refused ${error instanceof MayflyError ? error.code : error}`]);
} finally {
  clearInterval(alive);
}
