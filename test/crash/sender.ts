/**
 * Sends numbered messages and keeps the receipts. What was not answered is sent again with the same deduplication keys, until it is: of each
 * message there is one, however often hosts die in between.
 *
 * Every second message has a group; a group's numbers are sent in order, each after the one before was accepted.
 */
import type { Json } from '../harness/host.ts';
import type { HostProcess } from '../harness/host-process.ts';

const BATCH = 25;
const RETRY_MS = 20;

/** A refusal that no repetition mends. */
class SendError extends Error {
  override readonly name = 'SendError';
}

export interface SenderPorts {
  /** The host that runs now, once there is one. */
  host(): Promise<HostProcess>;
  /** Waits while more is on its way than should be. */
  room(): Promise<void>;
  /** What a refusal said, for the report. */
  refused(why: string): void;
}

export interface SenderPlan {
  readonly queue: string;
  /** Tells senders apart. */
  readonly name: string;
  readonly messages: number;
  readonly groups: number;
}

/** `GROUP NUMBER`, with `-NAME` for the group of those that have none. */
export interface Sent {
  readonly text: string;
  readonly groupKey: string | undefined;
}

export function messageAt(index: number, { name, groups }: SenderPlan): Sent {
  if (index % 2 === 1) return { text: `-${name} ${(index - 1) / 2}`, groupKey: undefined };
  const turn = index / 2;
  const groupKey = `${name}.${turn % groups}`;
  return { text: `${groupKey} ${Math.floor(turn / groups)}`, groupKey };
}

/** Resolves when all of it is accepted. @param accepted gets the id of each message and its text */
export async function sendAll(
  plan: SenderPlan,
  ports: SenderPorts,
  accepted: Map<string, string>,
): Promise<void> {
  for (let next = 0; next < plan.messages; next += BATCH) {
    const length = Math.min(BATCH, plan.messages - next);
    const batch = Array.from({ length }, (_, offset) => messageAt(next + offset, plan));
    await ports.room();
    const ids = await sendBatch(plan.queue, batch, ports);
    for (const [index, id] of ids.entries()) accepted.set(id, batch[index]!.text);
  }
}

async function sendBatch(queue: string, batch: readonly Sent[], ports: SenderPorts): Promise<string[]> {
  const body = JSON.stringify({
    messages: batch.map(({ text, groupKey }) => ({
      body: text,
      deduplicationKey: text,
      ...(groupKey === undefined ? {} : { groupKey }),
    })),
  });
  const headers = { 'content-type': 'application/vnd.mayfly.messages+json' };
  for (;;) {
    const host = await ports.host();
    try {
      const { status, json } = await host.api(`/queues/${queue}/messages`, { method: 'POST', headers, body });
      if (status === 202) return (json.messages as Json[]).map(({ id }) => String(id));
      if (status < 500 && status !== 429) throw new SendError(`${status} ${JSON.stringify(json)}`);
      ports.refused(`${status} ${json.code}`);
    } catch (error) {
      if (error instanceof SendError) throw error;
      // The host died under it: whether it was accepted nobody knows.
      ports.refused('no answer');
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
