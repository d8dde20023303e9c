/**
 * Authorizer functions: a function of the tenant that decides who may call another one. The terms of its event and of
 * its answer are those of Lambda authorizers (payload 2.0, simple responses).
 *
 * Invariants:
 *  1. Only an answer that is valid and says `isAuthorized: true` lets a request through; whatever else happens (a
 *     trap, a time-out, no room, a missing function, an answer of another shape) ends the request with an error.
 *  2. An answer is kept only for as long as it says, and only for requests with the same values of the identity
 *     headers; a change of either function, or of their settings, makes it stale at once.
 *  3. What is kept is bounded per tenant: a flood of identities pushes out answers of the same tenant alone.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { MayflyError } from '../errors/errors.ts';
import { AUTHORIZER_LIMITS } from '../limits/limits.ts';
import type { LiveFunction } from '../model/function-version.ts';
import { asFunctionName, type FunctionName, type TenantName } from '../model/ids.ts';
import type { TraceContext } from '../model/trace-context.ts';
import type { UrlAccess } from '../model/url-access.ts';
import type { EventAnswer } from './event-exchange.ts';
import { combinedFields, fieldValues, isOwnKey } from './request-fields.ts';

type AuthorizerAccess = Extract<UrlAccess, { readonly type: 'authorizer' }>;

interface Route {
  readonly live: LiveFunction;
}

export interface AuthorizerPorts<R extends Route> {
  readonly resolve: (tenant: TenantName, name: FunctionName) => R | undefined | Promise<R | undefined>;
  /** Calls a function with an event. Rejects with the MayflyError that its invocation ended with. */
  readonly ask: (
    route: R,
    event: Uint8Array,
    gone: AbortSignal,
    cause?: TraceContext,
  ) => Promise<EventAnswer>;
  /** Milliseconds since any start. */
  readonly nowMs: () => number;
}

/** The request that is to be decided over. */
export interface UrlRequest {
  readonly incoming: IncomingMessage;
  readonly invocationId: string;
  readonly trace?: TraceContext | undefined;
  /** Below the function's name. */
  readonly pathWithQuery: string;
}

/** What it says of a request that it lets through: `context`, as JSON in ASCII. */
export interface Authorization {
  readonly context: string | undefined;
}

const answerSchema = z.strictObject({
  isAuthorized: z.boolean(),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  ttlSeconds: z.number().int().min(0).max(AUTHORIZER_LIMITS.ttlSeconds).default(0),
});

interface Decision {
  readonly isAuthorized: boolean;
  readonly context: string | undefined;
}

interface Kept {
  readonly decision: Decision;
  readonly target: LiveFunction;
  readonly authorizer: LiveFunction;
  readonly untilMs: number;
}

/** What an entry takes beside its context: two strings, two objects and its place in a map. */
const ENTRY_BYTES = 400;

export class Authorizer<R extends Route> {
  readonly #ports: AuthorizerPorts<R>;
  readonly #kept = new Map<TenantName, TenantAnswers>();

  constructor(ports: AuthorizerPorts<R>) {
    this.#ports = ports;
  }

  /**
   * @param gone aborts when nobody waits for the decision any more
   * @throws MayflyError unauthenticated, authorizer_denied, authorizer_failed, caller_gone
   */
  async authorize(
    target: LiveFunction,
    access: AuthorizerAccess,
    request: UrlRequest,
    gone: AbortSignal,
  ): Promise<Authorization> {
    const identity = identityOf(access, request.incoming);
    const name = asFunctionName(access.function);
    const route = name && (await this.#ports.resolve(target.tenant, name));
    if (route === undefined) throw failed(`there is no function ${access.function}`);
    const answers = this.#answersOf(target.tenant);
    const key = identity.length === 0 ? undefined : keyOf(target, access, identity);
    const kept = key === undefined ? undefined : answers.get(key, this.#ports.nowMs());
    const isFresh = kept !== undefined && kept.target === target && kept.authorizer === route.live;
    const decision = isFresh ? kept.decision : await this.#ask(target, route, request, identity, key, gone);
    if (!decision.isAuthorized) {
      throw new MayflyError(
        'authorizer_denied',
        `Function '${access.function}' did not let the request through.`,
      );
    }
    return { context: decision.context };
  }

  async #ask(
    target: LiveFunction,
    route: R,
    request: UrlRequest,
    identity: readonly string[],
    key: string | undefined,
    gone: AbortSignal,
  ): Promise<Decision> {
    const event = Buffer.from(JSON.stringify(eventOf(target, request, identity)));
    const answer = await this.#ports.ask(route, event, gone, request.trace).catch((error: unknown) => {
      if (gone.aborted) throw new MayflyError('caller_gone', 'The caller closed the connection.');
      if (error instanceof MayflyError) throw failed(`it ended with ${error.code}`);
      throw error;
    });
    const { ttlSeconds, ...decision } = parse(answer);
    if (key !== undefined && ttlSeconds > 0) {
      const untilMs = this.#ports.nowMs() + ttlSeconds * 1_000;
      this.#answersOf(target.tenant).keep(key, { decision, target, authorizer: route.live, untilMs });
    }
    return decision;
  }

  #answersOf(tenant: TenantName): TenantAnswers {
    let answers = this.#kept.get(tenant);
    if (answers === undefined) {
      answers = new TenantAnswers();
      this.#kept.set(tenant, answers);
    }
    return answers;
  }
}

/** Answers for one tenant, the oldest first out. */
class TenantAnswers {
  readonly #entries = new Map<string, Kept>();
  #bytes = 0;

  get(key: string, nowMs: number): Kept | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs < entry.untilMs) return entry;
    this.#drop(key, entry);
    return undefined;
  }

  keep(key: string, entry: Kept): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#entries.set(key, entry);
    this.#bytes += weightOf(entry);
    for (const [oldest, held] of this.#entries) {
      if (this.#bytes <= AUTHORIZER_LIMITS.cacheBytesPerTenant) break;
      this.#drop(oldest, held);
    }
  }

  #drop(key: string, entry: Kept): void {
    this.#entries.delete(key);
    this.#bytes -= weightOf(entry);
  }
}

function weightOf({ decision }: Kept): number {
  return ENTRY_BYTES + (decision.context?.length ?? 0);
}

/** One value of each identity header; two would let the authorizer look at one and the function at the other. */
function identityOf({ identityHeaders }: AuthorizerAccess, incoming: IncomingMessage): string[] {
  return identityHeaders.map((name) => {
    const [value, second] = fieldValues(incoming, name);
    const flaw = flawOf(name, value, second);
    if (value !== undefined && flaw === undefined) return value;
    throw new MayflyError('unauthenticated', `The header field ${name} ${flaw}.`, { field: name });
  });
}

function flawOf(name: string, value: string | undefined, second: string | undefined): string | undefined {
  if (value === undefined) return 'is missing';
  if (second !== undefined) return 'came more than once';
  return isOwnKey(name, value) ? 'holds a key of this host, which no function is shown' : undefined;
}

/** Of one length, whatever was sent; JSON keeps apart what belongs to different fields. */
function keyOf(target: LiveFunction, access: AuthorizerAccess, identity: readonly string[]): string {
  const text = JSON.stringify([target.name, access.function, ...identity]);
  return createHash('sha256').update(text).digest('base64');
}

function eventOf(target: LiveFunction, request: UrlRequest, identity: readonly string[]): object {
  const { incoming, invocationId, pathWithQuery } = request;
  const at = pathWithQuery.indexOf('?');
  const path = at === -1 ? pathWithQuery : pathWithQuery.slice(0, at);
  return {
    version: '2.0',
    type: 'REQUEST',
    identitySource: identity,
    rawPath: path,
    rawQueryString: at === -1 ? '' : pathWithQuery.slice(at + 1),
    headers: Object.fromEntries([...combinedFields(incoming)].filter((field) => !isOwnKey(...field))),
    requestContext: {
      tenant: target.tenant,
      functionName: target.name,
      requestId: invocationId,
      timeEpoch: Date.now(),
      http: {
        method: incoming.method,
        path,
        protocol: `HTTP/${incoming.httpVersion}`,
        sourceIp: incoming.socket.remoteAddress,
        userAgent: incoming.headers['user-agent'] ?? '',
      },
    },
  };
}

/** @throws MayflyError authorizer_failed */
function parse({ status, body }: EventAnswer): Decision & { readonly ttlSeconds: number } {
  if (status !== 200) throw failed(`it answered ${status}`);
  const { data, error } = answerSchema.safeParse(asJson(body));
  if (error !== undefined) {
    const [issue] = error.issues;
    const where =
      issue === undefined || issue.path.length === 0 ? 'its answer' : issue.path.join('.').slice(0, 60);
    throw failed(`${where} is not as it should be`);
  }
  const context = data.context && asciiJson(data.context);
  if (context !== undefined && context.length > AUTHORIZER_LIMITS.contextBytes)
    throw failed('its context is too large');
  return { isAuthorized: data.isAuthorized, context, ttlSeconds: data.ttlSeconds };
}

function asJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** For a header field, which is no place for other characters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function failed(reason: string): MayflyError {
  return new MayflyError('authorizer_failed', `The authorizer failed: ${reason}.`);
}
