/**
 * Hands an admitted request over to the process of its tenant, and its answer back: bytes as they come, both ways, held
 * back by whoever does not read. The serving thread has decided who may call and taken the place; the process runs.
 *
 * 1. A process that is lost fails the requests that it was running, with `worker_lost`, where nothing of the answer is out;
 *    else the answer breaks off. It concerns no request of anybody else.
 * 2. A process that says nothing of an invocation whose time is up is asked whether it lives ({@link IsolatedCallsPorts.onOverdue}):
 *    one that has hung is lost, two seconds past the deadline at most.
 * 3. Who hangs up ends the request to the process, which ends the guest.
 * 4. The process tells what an invocation has used. Where it may not be able to any more, {@link IsolatedCallsPorts.onUntold}
 *    hears of the invocation under the id that the process has it by: whoever keeps the first record of an id has one.
 */
import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { deserialize, serialize } from 'node:v8';
import { fromErrorMessage, MayflyError } from '../errors/errors.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationId } from '../model/ids.ts';
import { CALL_FIELD, encodeCall, type HandedAnswer, type HandedCall } from '../worker/isolated-messages.ts';
import type { Question } from './call.ts';
import type { EventAnswer } from './event-exchange.ts';
import type { LiveRoute } from './gate.ts';
import type { InvocationCause } from './invocation-use.ts';

/** What is handed over, and to whom. */
export interface HandOver {
  readonly process: NonNullable<LiveRoute['process']>;
  readonly live: LiveFunction;
  readonly cause: InvocationCause;
}

type RequestCall = Omit<
  HandedCall & { readonly kind: 'request' },
  'name' | 'count' | 'invocationId' | 'handedTrace'
>;

/** Of one hop (RFC 9110, section 7.6.1), or this hop's own business; how the body is framed is kept. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
  'http2-settings',
  CALL_FIELD,
]);
const OWN_ANSWER_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
]);

/** How much longer than the function may run its process may take to say that it did, if it lives. */
const GRACE_MS = 5_000;

/** How much longer before it is asked whether it lives. */
const OVERDUE_MS = 500;

/** Connections to a process that wait for the next request. */
const MAX_IDLE = 256;

export interface IsolatedCallsPorts {
  /** A process has broken an answer off, or was lost: which of both, whoever keeps it knows. */
  onLost(live: LiveFunction, socketPath: string, invocationId: InvocationId): void;
  /** A process ought to have ended an invocation, and has not said so. */
  onOverdue(socketPath: string): void;
  /**
   * An invocation did not come to the end of its answer, and its process may not tell of it: it is dead, out of reach, or
   * too late. Where it does tell, that is the better record.
   */
  onUntold(live: LiveFunction, cause: InvocationCause, error: unknown): void;
}

/** One request to a process. */
interface Run {
  readonly socketPath: string;
  readonly outward: ClientRequest;
  /** Why it is being ended, if it is. */
  reason: MayflyError | undefined;
  /** Whether the process has taken it on. */
  hasBegun: boolean;
}

export class IsolatedCalls {
  readonly #ports: IsolatedCallsPorts;
  /** By the socket of a process, which is never another one's. */
  readonly #agents = new Map<string, Agent>();
  readonly #running = new Set<Run>();

  constructor(ports: IsolatedCallsPorts) {
    this.#ports = ports;
  }

  /** Ends whatever runs. */
  cancelAll(error: MayflyError): void {
    for (const run of this.#running) cancel(run, error);
  }

  /**
   * Answers the request; resolves once its answer is out, or its caller gone.
   * @throws MayflyError worker_lost, timed_out, or what it was cancelled with, while nothing of the answer is out
   */
  async call(
    over: HandOver,
    request: RequestCall,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const call = encodeCall({ ...request, ...subjectOf(over) });
    const fields = [...fieldsOf(incoming.rawHeaders, OWN_FIELDS), CALL_FIELD, call];
    const run = this.#request(over.process.socketPath, incoming.method ?? 'GET', fields);
    const hangUp = (): void => cancel(run, callerGone());
    outgoing.once('close', hangUp);
    const take = async (answer: IncomingMessage): Promise<void> => {
      const head = fieldsOf(answer.rawHeaders, OWN_ANSWER_FIELDS);
      outgoing.writeHead(answer.statusCode ?? 500, answer.statusMessage, head);
      await copy(answer, outgoing);
    };
    try {
      const { timeoutMs } = over.live.configuration;
      await this.#settled(run, timeoutMs, take, () => copyRequest(incoming, run.outward));
    } catch (error) {
      this.#failed(run, error, over);
      if (outgoing.destroyed) return;
      if (!outgoing.headersSent) throw error;
      outgoing.destroy();
    } finally {
      outgoing.off('close', hangUp);
    }
  }

  /** @throws MayflyError what its invocation failed with; worker_lost, caller_gone */
  async ask(over: HandOver, question: Question, gone: AbortSignal): Promise<EventAnswer> {
    const { event, trigger, contentType, maxAnswerBytes, timeoutMs } = question;
    const asked = { kind: 'question', trigger, contentType, maxAnswerBytes, timeoutMs } as const;
    const run = this.#begin(over, { ...asked, ...subjectOf(over) }, event);
    const bytes = await this.#bytes(run, event, over, timeoutMs, gone);
    const answer = deserialize(bytes) as HandedAnswer;
    if (answer.kind === 'failure') throw fromErrorMessage(answer.error);
    return answer.answer;
  }

  /**
   * An event that was taken on by a process that was lost is an attempt that failed.
   * @throws MayflyError worker_lost where it was not taken on
   */
  async deliver(over: HandOver, invocation: EventInvocation): Promise<EventOutcome> {
    const call = { kind: 'delivery', ...subjectOf(over) } as const;
    const body = serialize(invocation);
    const run = this.#begin(over, call, body);
    try {
      return deserialize(await this.#bytes(run, body, over, over.live.configuration.timeoutMs));
    } catch (error) {
      if (!run.hasBegun || !(error instanceof MayflyError)) throw error;
      const { invocationId } = over.cause;
      const cause = { code: error.code, detail: error.message };
      return { kind: 'failed', invocationId, fuel: 0, cause, isRetryable: true };
    }
  }

  #begin({ process: { socketPath } }: HandOver, call: HandedCall, body: Uint8Array): Run {
    const fields = ['host', 'localhost', 'content-length', `${body.length}`, CALL_FIELD, encodeCall(call)];
    return this.#request(socketPath, 'POST', fields);
  }

  /** Sends bytes, and gives those that come back. */
  async #bytes(
    run: Run,
    body: Uint8Array,
    over: HandOver,
    timeoutMs: number,
    gone?: AbortSignal,
  ): Promise<Buffer> {
    const hangUp = (): void => cancel(run, callerGone());
    gone?.addEventListener('abort', hangUp, { once: true });
    const chunks: Buffer[] = [];
    const take = async (answer: IncomingMessage): Promise<void> => {
      // It says what came of a run; anything else, that there was none.
      if (answer.statusCode !== 200) throw new MayflyError('internal_error', 'The process did not run it.');
      for await (const chunk of answer) chunks.push(chunk as Buffer);
    };
    try {
      await this.#settled(run, timeoutMs, take, () => run.outward.end(body));
      return Buffer.concat(chunks);
    } catch (error) {
      this.#failed(run, error, over);
      throw error;
    } finally {
      gone?.removeEventListener('abort', hangUp);
    }
  }

  #request(socketPath: string, method: string, headers: string[]): Run {
    const agent = this.#agents.get(socketPath) ?? this.#agentFor(socketPath);
    const outward = request({ socketPath, agent, method, path: '/', headers });
    return { socketPath, outward, reason: undefined, hasBegun: false };
  }

  #agentFor(socketPath: string): Agent {
    // Those of processes that are gone: their connections are closed.
    for (const [path, { sockets, freeSockets }] of this.#agents) {
      if (Object.keys(sockets).length + Object.keys(freeSockets).length === 0) this.#agents.delete(path);
    }
    const agent = new Agent({ keepAlive: true, maxFreeSockets: MAX_IDLE });
    this.#agents.set(socketPath, agent);
    return agent;
  }

  /** Sends, and resolves when `take` is through with the answer; rejects with the first thing that goes wrong. */
  async #settled(
    run: Run,
    timeoutMs: number,
    take: (answer: IncomingMessage) => Promise<void>,
    send: () => void,
  ): Promise<void> {
    const { outward } = run;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (): void => reject(run.reason ?? new MayflyError('worker_lost', LOST));
    const late = setTimeout(() => {
      const detail = `The process of the tenant did not answer within ${timeoutMs} ms.`;
      cancel(run, new MayflyError('timed_out', detail));
    }, timeoutMs + GRACE_MS);
    const overdue = setTimeout(() => this.#ports.onOverdue(run.socketPath), timeoutMs + OVERDUE_MS);
    this.#running.add(run);
    outward.on('error', fail);
    outward.once('close', fail);
    outward.on('information', () => {
      run.hasBegun = true;
    });
    outward.once('response', (answer) => {
      run.hasBegun = true;
      // The request is closed as soon as its answer has been read, which may be long before the caller has it.
      outward.off('close', fail);
      // Answered before all of it was sent: what cannot be sent any more is no loss. Where the answer ends says the rest.
      outward.off('error', fail).on('error', () => {});
      answer.on('error', fail);
      take(answer).then(resolve, fail);
    });
    send();
    try {
      await promise;
    } finally {
      clearTimeout(late);
      clearTimeout(overdue);
      this.#running.delete(run);
      if (!outward.writableFinished) outward.destroy();
    }
  }

  #failed({ hasBegun }: Run, error: unknown, { live, process: { socketPath }, cause }: HandOver): void {
    const code = error instanceof MayflyError ? error.code : undefined;
    // The process notices that, too, and ends the guest: it tells what that has used.
    if (code !== 'caller_gone' || !hasBegun) this.#ports.onUntold(live, cause, error);
    // Lost already when this came: it is not to blame.
    if (code === 'worker_lost' && hasBegun) this.#ports.onLost(live, socketPath, cause.invocationId);
  }
}

function cancel(run: Run, error: MayflyError): void {
  run.reason ??= error;
  run.outward.destroy();
}

function callerGone(): MayflyError {
  return new MayflyError('caller_gone', 'The caller closed the connection.');
}

function subjectOf({
  process,
  live,
  cause: { invocationId, trace },
}: HandOver): Pick<HandedCall, 'name' | 'count' | 'invocationId' | 'handedTrace'> {
  const subject = { name: live.name, count: process.count, invocationId };
  return trace === undefined ? subject : { ...subject, handedTrace: trace.handOver() };
}

const LOST = 'The process of the tenant was lost, or cannot be reached.';

/** Flat, as they came; those of `own` left out. */
function fieldsOf(raw: readonly string[], own: ReadonlySet<string>): string[] {
  const fields: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    if (!own.has(raw[i]!.toLowerCase())) fields.push(raw[i]!, raw[i + 1]!);
  }
  return fields;
}

function copyRequest(incoming: IncomingMessage, outward: ClientRequest): void {
  // It has no body (server.ts), and will not say that it ends.
  if (incoming.readableEnded) {
    outward.end();
    return;
  }
  incoming.once('end', () => {
    if (incoming.rawTrailers.length > 0) outward.addTrailers(pairsOf(incoming.rawTrailers));
    outward.end();
  });
  incoming.pipe(outward, { end: false });
}

/** Resolves when all of it is with the caller's socket. */
function copy(answer: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  answer.once('end', () => {
    if (answer.rawTrailers.length > 0) outgoing.addTrailers(pairsOf(answer.rawTrailers));
    outgoing.end(() => resolve());
  });
  answer.once('close', () => {
    if (!answer.complete) reject(new MayflyError('worker_lost', LOST));
  });
  outgoing.once('close', () => resolve());
  answer.pipe(outgoing, { end: false });
  return promise;
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]!] as [string, string]] : []));
}
