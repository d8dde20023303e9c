import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { QueueMessage } from '../../../host/model/queue-message.ts';
import { SqliteQueues } from '../../../host/store/queues/sqlite-queues.ts';
import { claim, countsOf, settleAll, textOf } from './conformance/harness.ts';
import { randomFrom } from './conformance/interleavings.ts';
import { auditQueues } from './sqlite-audit.ts';

const CHILD = fileURLToPath(new URL('crash/use-queues-until-killed.ts', import.meta.url));

/** What was acknowledged, by all children. */
class Acknowledged {
  readonly sent = new Map<string, string>();
  readonly claims = new Map<string, number>();
  readonly settling = new Set<string>();
  readonly settled = new Set<string>();
  refused: string | undefined;

  hear(line: string): void {
    const [what, id = '', text = ''] = line.split(' ');
    if (what === 'sent') this.sent.set(id, text);
    else if (what === 'claimed') this.claims.set(id, (this.claims.get(id) ?? 0) + 1);
    else if (what === 'settling') this.settling.add(id);
    else if (what === 'settled') this.settled.add(id);
    else this.refused = id;
  }
}

/** Hears a child, which is killed once it has said so many lines, or ends by itself. */
async function hear(
  command: readonly [string, ...string[]],
  lines: number,
  acknowledged: Acknowledged,
): Promise<void> {
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.hear(line);
    if (++seen === lines) child.kill('SIGKILL');
  }
  await exited;
}

async function drain(path: string): Promise<QueueMessage[]> {
  await using engine = new SqliteQueues({ path });
  const messages: QueueMessage[] = [];
  for (let batch = await claim(engine, { maxMessages: 100 }); batch; ) {
    messages.push(...batch.messages);
    await settleAll(engine, batch);
    batch = await claim(engine, { maxMessages: 100 });
  }
  if (`${await countsOf(engine)}` !== '0,0,0,0') throw new Error('something is stuck');
  return messages;
}

function nameOf(message: QueueMessage): string {
  return textOf(message).split(' ')[0]!;
}

/** Whether a message was sent before another one: by an earlier child, in an earlier call, or before it in the same call. */
function isBefore(one: string, other: string): boolean {
  const ours = one.split('.').map(Number);
  const theirs = other.split('.').map(Number);
  const differing = [0, 1, 2].find((part) => ours[part] !== theirs[part]) ?? 2;
  return ours[differing]! < theirs[differing]!;
}

/** What is wrong with what is left, given what was acknowledged. */
function complaintsOf(left: readonly QueueMessage[], acknowledged: Acknowledged): string[] {
  const complaints: string[] = [];
  const byId = new Map(left.map((message) => [message.id as string, message]));
  if (byId.size !== left.length) complaints.push('a message is there twice');
  for (const [id, text] of acknowledged.sent) {
    const message = byId.get(id);
    if (message && acknowledged.settled.has(id)) complaints.push(`${text} was done, and is there`);
    if (!message && !acknowledged.settling.has(id)) complaints.push(`${text} is lost`);
    if (message && nameOf(message) !== text) complaints.push(`${text} is ${nameOf(message)}`);
    const claims = acknowledged.claims.get(id) ?? 0;
    if (message && message.attempts <= claims) complaints.push(`${text}: ${message.attempts} of ${claims}`);
  }
  const lastOfGroup = new Map<string, string>();
  for (const message of left) {
    const { groupKey } = message;
    if (groupKey === undefined) continue;
    const name = nameOf(message);
    const before = lastOfGroup.get(groupKey);
    if (before !== undefined && !isBefore(before, name)) complaints.push(`${name} comes after ${before}`);
    lastOfGroup.set(groupKey, name);
  }
  return complaints;
}

/** Names whose call was not kept whole, where nothing has been handled. */
function tornCalls(left: readonly QueueMessage[]): string[] {
  const names = new Set(left.map(nameOf));
  return [...names].filter((name) => {
    const [seed, call, , size] = name.split('.');
    return !Array.from({ length: Number(size) }, (_, index) => `${seed}.${call}.${index}.${size}`).every(
      (other) => names.has(other),
    );
  });
}

function newPath(t: { teardown(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-queues-crash-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'queues.db');
}

test('kill -9 at random points loses nothing that was acknowledged, leaves nothing stuck, and keeps groups in order', async (t) => {
  const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
  t.log(`SEED=${seed}`);
  const pick = randomFrom(seed);
  const path = newPath(t);
  const acknowledged = new Acknowledged();
  for (let kill = 0; kill < 6; kill++) {
    await hear([process.execPath, CHILD, path, `${seed + kill}`], 1 + pick(400), acknowledged);
    t.deepEqual(auditQueues(path), [], `SEED=${seed}, kill ${kill}`);
  }
  t.is(acknowledged.refused, undefined);
  t.deepEqual(complaintsOf(await drain(path), acknowledged), [], `SEED=${seed}`);
  t.deepEqual(auditQueues(path), []);
});

test('of a call that a kill has cut off, all messages are kept or none', async (t) => {
  const path = newPath(t);
  const acknowledged = new Acknowledged();
  for (let kill = 0; kill < 3; kill++) {
    await hear([process.execPath, CHILD, path, `${kill}`, 'send'], 50 + 7 * kill, acknowledged);
  }
  const left = await drain(path);
  t.deepEqual(complaintsOf(left, acknowledged), []);
  t.deepEqual(tornCalls(left), []);
});

test('writes that fail refuse sends with queue_unavailable, and lose nothing that was acknowledged', async (t) => {
  const path = newPath(t);
  const acknowledged = new Acknowledged();
  // The kernel refuses to let any file grow beyond 2 MiB: to SQLite an error of the disk in the middle of a commit.
  const limited = ['bash', '-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath] as const;
  await hear([...limited, CHILD, path, '1', 'send'], Infinity, acknowledged);
  t.is(acknowledged.refused, 'queue_unavailable');
  t.true(acknowledged.sent.size > 100, `${acknowledged.sent.size}`);
  t.deepEqual(auditQueues(path), []);
  t.deepEqual(complaintsOf(await drain(path), acknowledged), []);
});
