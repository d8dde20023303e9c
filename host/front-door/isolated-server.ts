/** The server of an isolated tenant's process: takes what serving threads hand over, and nothing from anybody else. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { deserialize, serialize } from 'node:v8';
import { MayflyError, toErrorMessage } from '../errors/errors.ts';
import { FUNCTION_LIMITS } from '../limits/limits.ts';
import type { EventInvocation } from '../model/event-invocation.ts';
import type { TenantName } from '../model/ids.ts';
import { CALL_FIELD, decodeCall, type HandedAnswer, type HandedCall } from '../worker/isolated-messages.ts';
import { Connections } from './connections.ts';
import type { EventDeliveries } from './event-deliveries.ts';
import { sendProblem } from './exchange.ts';
import type { LiveRoute } from './gate.ts';
import type { Invoker } from './invoker.ts';

export interface IsolatedServerPorts {
  readonly tenant: TenantName;
  readonly invoker: Pick<Invoker, 'call' | 'ask'>;
  readonly events: Pick<EventDeliveries, 'deliver'>;
  /** The function as the host knows it under a count at least as new; undefined if there is none. */
  refresh(call: HandedCall): LiveRoute | undefined | Promise<LiveRoute | undefined>;
}

/** What a handed call says of a request may be as long as its head, and is in base64. */
const MAX_HEAD_BYTES = FUNCTION_LIMITS.headerBytes.hard * 4;

export function createIsolatedServer(ports: IsolatedServerPorts): Server {
  const server = createServer(
    // Serving threads keep their connections for as long as they like, and have bounds of their own.
    { maxHeaderSize: MAX_HEAD_BYTES, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 },
    (incoming, outgoing) => {
      serve(ports, incoming, outgoing).catch((error: unknown) => sendProblem(incoming, outgoing, error, []));
    },
  );
  server.maxHeadersCount = 0;
  // Which lets one who still sends hear that it was refused, instead of closing on it.
  new Connections(server);
  return server;
}

async function serve(
  ports: IsolatedServerPorts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const call = takeCall(incoming);
  // From here on it is running here: if this process is lost, it may be to blame.
  outgoing.writeProcessing();
  const route = await ports.refresh(call);
  if (call.kind === 'question') {
    outgoing.end(serialize(await answerTo(ports, call, route, incoming, outgoing)));
    return;
  }
  if (call.kind === 'delivery') {
    const invocation = deserialize(await bodyOf(incoming)) as EventInvocation;
    const { invocationId, handedTrace } = call;
    const own = { ...invocation, tenant: ports.tenant };
    outgoing.end(serialize(await ports.events.deliver(own, { invocationId, handedTrace })));
    return;
  }
  const { hidden, added, isUrl, ...rest } = call;
  const passage = {
    hidden: new Set(hidden),
    added: added.map(([name, value]) => [name, Buffer.from(value, 'base64')] as const),
  };
  await ports.invoker.call(
    {
      ...rest,
      tenant: ports.tenant,
      hidden: passage.hidden,
      // Who may call was decided before.
      ...(isUrl ? { url: { admit: () => passage } } : {}),
    },
    incoming,
    outgoing,
  );
}

async function answerTo(
  { invoker }: IsolatedServerPorts,
  {
    invocationId,
    handedTrace,
    trigger,
    contentType,
    maxAnswerBytes,
    timeoutMs,
  }: HandedCall & { readonly kind: 'question' },
  route: LiveRoute | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<HandedAnswer> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  try {
    const event = await bodyOf(incoming);
    if (route === undefined) throw new MayflyError('function_not_found', 'The function is gone.');
    const question = {
      invocationId,
      handedTrace,
      trigger,
      event,
      contentType,
      maxAnswerBytes,
      timeoutMs,
    };
    return { kind: 'answer', answer: await invoker.ask(route, question, gone.signal) };
  } catch (error) {
    return { kind: 'failure', error: toErrorMessage(error) };
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Takes it out of the head, of which the guest sees the rest and its limits count the rest. */
function takeCall(incoming: IncomingMessage): HandedCall {
  const { rawHeaders, headers } = incoming;
  const text = headers[CALL_FIELD];
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === CALL_FIELD);
  if (typeof text !== 'string') throw new MayflyError('invalid_request', 'Nothing was handed over.');
  rawHeaders.splice(at, 2);
  delete headers[CALL_FIELD];
  return decodeCall(text);
}
