/** Random calls of every outcome, over tenants and functions, until the host is gone or the caller is told to stop. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Agent, request } from 'undici';
import type { HostProcess } from '../harness/host-process.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import type { Random } from '../instrument/random.ts';

export const TENANTS = ['ada', 'bob'] as const;

const command = (body: string): Promise<Uint8Array> =>
  parse(plainCommand(`(memory 1) (func (export "run") (result i32) ${body})`));
const GROWS = '(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable';
const sleeps = (ns: number): Promise<Uint8Array> =>
  parse(
    clockCommand(
      `(memory 1) (func (export "run") (result i32) (call $sleep (i64.const ${ns})) (i32.const 0))`,
    ),
  );

/** A function for each way to end, and how it is configured. */
const GUESTS = {
  ok: [() => command('(i32.const 0)'), {}],
  works: [
    () =>
      command(
        '(local $n i32) (loop $l (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000)))) (i32.const 0)',
      ),
    {},
  ],
  fails: [() => command('(i32.const 1)'), {}],
  traps: [() => command('unreachable'), {}],
  spins: [() => command('(loop $l (br $l)) (i32.const 0)'), { fuel: 100_000 }],
  grows: [() => command(GROWS), { memoryBytes: 1_048_576 }],
  late: [() => sleeps(60_000_000_000), { timeoutMs: 50 }],
  naps: [() => sleeps(5_000_000), {}],
  echo: [() => echoGuest('0.2.3'), { requestBytes: 10_000 }],
} as const;
type GuestName = keyof typeof GUESTS;
/** Publishing is most of what a short run takes: the second tenant has some of them. */
const FUNCTIONS = {
  ada: Object.keys(GUESTS) as GuestName[],
  bob: ['ok', 'traps', 'naps'],
} as const satisfies Record<(typeof TENANTS)[number], readonly GuestName[]>;

export interface UsageReply {
  readonly tenant: string;
  readonly name: string;
  readonly id: string;
  /** Where the reply says it. */
  readonly fuel: number | undefined;
  readonly atMs: number;
}

/** A request with the operator's key; throws unless it is answered with 2xx. */
export async function operate(
  host: HostProcess,
  method: string,
  path: string,
  body?: object | Uint8Array,
): Promise<string> {
  const type = body instanceof Uint8Array ? 'application/wasm' : 'application/json';
  const { status, text } = await host.request(`/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${await host.adminKey()}`, 'content-type': type },
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return text;
}

export async function deployAll(host: HostProcess): Promise<void> {
  for (const tenant of TENANTS) {
    await operate(host, 'POST', '/tenants', { name: tenant });
    for (const name of FUNCTIONS[tenant]) {
      const [build, configuration] = GUESTS[name];
      const path = `/tenants/${tenant}/functions/${name}`;
      await operate(host, 'PUT', path, await build());
      if (Object.keys(configuration).length > 0)
        await operate(host, 'PATCH', `${path}/configuration`, configuration);
    }
  }
}

export interface Traffic {
  readonly origin: string;
  readonly key: string;
  readonly random: Random;
  /** At most so many calls are on their way at a time. */
  readonly callers: number;
  readonly isOver: () => boolean;
  readonly heard: (reply: UsageReply) => void;
  /** A call was given up before its reply had come. */
  readonly hungUp: () => void;
}

/** Resolves once nobody calls any more. */
export async function runTraffic({
  origin,
  key,
  random,
  callers,
  isOver,
  heard,
  hungUp,
}: Traffic): Promise<void> {
  const agent = new Agent({ connections: callers * 2 });
  const one = async (): Promise<void> => {
    const tenant = random.pick(TENANTS);
    const name = random.pick<GuestName>(FUNCTIONS[tenant]);
    const way = random.below(10);
    const body = name === 'echo' ? 'x'.repeat(random.below(12_000)) : undefined;
    const isInvoked = way === 0;
    const path = isInvoked ? `/v1/tenants/${tenant}/functions/${name}/invocations` : `/fn/${tenant}/${name}/`;
    const hangsUp = name === 'naps' && way > 5;
    const answer = await request(`${origin}${path}`, {
      dispatcher: agent,
      method: body === undefined && !isInvoked ? 'GET' : 'POST',
      headers: isInvoked ? { authorization: `Bearer ${key}` } : {},
      ...(body === undefined ? {} : { body }),
      ...(hangsUp ? { signal: AbortSignal.timeout(2) } : {}),
    });
    await answer.body.text();
    const fuel = answer.headers['mayfly-fuel'] ?? answer.trailers['mayfly-fuel'];
    const id = answer.headers['mayfly-invocation-id'];
    // What was refused before it had a place left no record: there is none of such in this traffic.
    if (id === undefined) throw new Error(`${answer.statusCode} without an id`);
    heard({
      tenant,
      name,
      id: String(id),
      fuel: fuel === undefined ? undefined : Number(fuel),
      atMs: performance.now(),
    });
  };
  const caller = async (): Promise<void> => {
    while (!isOver()) {
      try {
        await one();
      } catch (error) {
        if ((error as Error).name === 'TimeoutError') hungUp();
        else if (!isOver()) throw error;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, caller));
  } finally {
    await agent.destroy();
  }
}
