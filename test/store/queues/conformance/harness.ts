/** What the conformance suite needs of an engine, and the small things that its parts share. */
import type { ExecutionContext, TestFn } from 'ava';
import type { FunctionName, MessageId, QueueName, TenantName } from '../../../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId, type QueueSettings } from '../../../../host/model/queue.ts';
import type { NewMessage, QueueCounts, SentMessage } from '../../../../host/model/queue-message.ts';
import type {
  Claim,
  ClaimOptions,
  QueueEngine,
  Settlement,
} from '../../../../host/store/queues/queue-engine.ts';

/** An engine on an empty store of its own, and its clock. Disposing of it ends the engine and drops the store. */
export interface EngineHarness extends AsyncDisposable {
  readonly engine: QueueEngine;
  /** Another engine on the same store, as another host has it; absent where a store has one owner. */
  readonly other?: QueueEngine;
  /** What the engine takes for the time. */
  now(): number;
  /** Lets that much time go by, at least: what is due by then has happened. */
  advance(ms: number): Promise<void>;
  /** The shortest time that counts: where the clock is the real one, longer than any operation takes. */
  readonly stepMs: number;
  /** Operations of the random test. */
  readonly operations: number;
}

export interface HarnessOptions {
  /** Instead of `QUEUE_LIMITS.messages`. */
  readonly messagesPerQueue?: number;
}

export type MakeHarness = (options?: HarnessOptions) => Promise<EngineHarness>;

/** Ava's `test`. */
export type Test = TestFn<unknown>;
export type TestContext = ExecutionContext<unknown>;

export const orders: QueueId = { kind: 'queue', tenant: 'acme' as TenantName, name: 'orders' as QueueName };
/** Differs from `orders` in its kind alone. */
export const ordersFunction: QueueId = {
  kind: 'function',
  tenant: 'acme' as TenantName,
  name: 'orders' as FunctionName,
};

/** Why an attempt has failed. */
export const CAUSE = { code: 'item_failed', detail: 'no luck' };

/** Longer than any test lasts. */
export const LONG_MS = 10 * 60_000;

export const settings: QueueSettings = defaultQueueSettings();

export function textMessage(text: string, more: Partial<NewMessage> = {}): NewMessage {
  return { body: Buffer.from(text), contentType: 'text/plain', attributes: {}, ...more };
}

export function textOf({ body }: { readonly body: Uint8Array }): string {
  return Buffer.from(body).toString();
}

export function textsOf(claim: { readonly messages: readonly { readonly body: Uint8Array }[] } | undefined) {
  return claim?.messages.map(textOf);
}

export function send(
  engine: QueueEngine,
  texts: readonly string[],
  more: Partial<NewMessage> = {},
): Promise<SentMessage[]> {
  const messages = texts.map((text) => textMessage(text, more));
  return engine.send(orders, settings, messages);
}

export async function claim(
  engine: QueueEngine,
  options: Partial<ClaimOptions> = {},
  queue: QueueId = orders,
): Promise<Claim | undefined> {
  const [claimed] = await claims(engine, options, queue);
  return claimed;
}

/** As many as the options ask for. */
export function claims(
  engine: QueueEngine,
  options: Partial<ClaimOptions> = {},
  queue: QueueId = orders,
): Promise<readonly Claim[]> {
  return engine.claim(queue, {
    maxMessages: 10,
    maxBytes: 1024 * 1024,
    visibilityMs: LONG_MS,
    maxClaims: 1_000,
    ...options,
  });
}

/** A claim that has to be there. */
export async function claimSome(engine: QueueEngine, options: Partial<ClaimOptions> = {}): Promise<Claim> {
  const claimed = await claim(engine, options);
  if (claimed === undefined) throw new Error('nothing could be claimed');
  return claimed;
}

export function settleAll(
  engine: QueueEngine,
  claimed: Claim,
  how: (id: MessageId) => Settlement = (id) => ({ id, kind: 'done' }),
): Promise<boolean> {
  return engine.settle(
    claimed,
    claimed.messages.map(({ id }) => how(id)),
  );
}

/** The numbers alone, in short: ready, delayed, in flight, dead. */
export async function countsOf(engine: QueueEngine, queue: QueueId = orders): Promise<number[]> {
  const { ready, delayed, inFlight, dead }: QueueCounts = await engine.counts(queue);
  return [ready, delayed, inFlight, dead];
}

/** Resolves when the engine says once that there may be work. Subscribed when this returns. */
export function nextWork(engine: QueueEngine, queue: QueueId = orders): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = engine.onWork(queue, () => {
    stop();
    resolve();
  });
  return promise;
}
