/**
 * Handlers that are declared with other types than they have: what the host passes is lowered, and what they return is lifted, by the
 * types that the component declares (docs/decisions/0051-types-of-imports.md). All that comes of it is an error of the function, if any.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import test from 'ava';
import { camelCase } from '../../host/component/record-codec.ts';
import { ERROR_TABLE } from '../../host/errors/errors.ts';
import { RunningInvocation } from '../../host/instance/engine.ts';
import type { EventCall } from '../../host/instance/event-call.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import { IncomingRequest } from '../../host/wasi/http/incoming-request-0.2.ts';
import { Request } from '../../host/wasi/http/request-0.3.ts';
import { ResponseOutparam } from '../../host/wasi/http/response-outparam-0.2.ts';
import { OFFERED_INTERFACES } from '../../host/wasi/offered.ts';
import { offeredFunctions } from '../../host/wasi/offered-functions.ts';
import { artifactOf } from '../harness/artifact.ts';
import { enginePorts } from '../harness/engine-ports.ts';
import { createSlots } from '../harness/slots.ts';
import { nestedWit, watComponent } from '../harness/wat-guests.ts';
import { TestExchange } from '../wasi/http/support/exchange.ts';

/** What is declared, its core parameters and result, and what the guest does. */
type Declared = readonly [signature: string, core: string, body?: string];

/** Types that the declarations below name. */
const TYPES = `
  record texts { method: string, headers: list<u8>, path-with-query: option<string> }
  variant one-of { number(u64), text(string), nothing }
  enum either { ok, err }
  flags bits { a, b, c }`;

/** A list or text at 1024, of 1,000 elements. */
const LIST =
  '(i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 1000)) (i32.const 16)';
/** The second case of a variant, with zeros behind it. */
const SECOND = '(i32.store8 (i32.const 32) (i32.const 1)) (i32.const 32)';

const OTHER_TYPES: readonly Declared[] = [
  ['()', ''],
  ['(a: u32)', '(param i32)'],
  ['(a: u64, b: s64, c: u8)', '(param i64 i64 i32)'],
  ['(a: f64, b: f32, c: bool)', '(param f64 f32 i32)'],
  ['(a: char)', '(param i32)'],
  ['(a: string)', '(param i32 i32)'],
  ['(a: string, b: string, c: string)', '(param i32 i32 i32 i32 i32 i32)'],
  ['(a: list<u8>)', '(param i32 i32)'],
  ['(a: list<u64>, b: list<string>)', '(param i32 i32 i32 i32)'],
  ['(a: list<list<list<u8>>>)', '(param i32 i32)'],
  ['(a: option<string>)', '(param i32 i32 i32)'],
  ['(a: option<u64>)', '(param i32 i64)'],
  ['(a: result<u32, string>)', '(param i32 i32 i32)'],
  ['(a: tuple<u32, string>)', '(param i32 i32 i32)'],
  ['(a: texts)', '(param i32 i32 i32 i32 i32 i32 i32)'],
  ['(a: one-of)', '(param i32 i64 i32)'],
  ['(a: either, b: bits)', '(param i32 i32)'],
  ['(a: stream<u8>)', '(param i32)'],
  ['(a: future<string>)', '(param i32)'],
  ['(a: error-context)', '(param i32)'],
  ['() -> u32', '(result i32)', '(i32.const -1)'],
  ['() -> char', '(result i32)', '(i32.const 0xd800)'],
  ['() -> string', '(result i32)', LIST],
  ['() -> list<u8>', '(result i32)', LIST],
  ['() -> list<string>', '(result i32)', LIST],
  ['() -> result<string, string>', '(result i32)', SECOND],
  ['() -> result<_, one-of>', '(result i32)', SECOND],
  ['() -> result<_, texts>', '(result i32)', SECOND],
  ['() -> option<texts>', '(result i32)', SECOND],
  ['() -> tuple<u64, f64>', '(result i32)', SECOND],
  ['() -> one-of', '(result i32)', SECOND],
  ['() -> either', '(result i32)', '(i32.const 1)'],
  ['() -> bits', '(result i32)', '(i32.const 7)'],
  ['() -> stream<u8>', '(result i32)', '(i32.const 1)'],
  ['() -> future<string>', '(result i32)', '(i32.const 1)'],
  ['() -> error-context', '(result i32)', '(i32.const 1)'],
];

const EVENT: EventCall = {
  handler: 'queue',
  argument: {
    source: 'orders',
    messages: [
      {
        id: 'a',
        attempt: 1,
        sentAtMs: 1n,
        groupKey: undefined,
        contentType: 'text/plain',
        attributes: [['a', 'b']],
        body: Uint8Array.of(1, 2, 3, 4),
      },
    ],
    traceparent: undefined,
  },
  returned: () => {},
};

interface Handler {
  readonly export: string;
  readonly event?: EventCall;
  /** Packages in which the handler has what is between the braces of an interface. */
  wit(items: string): Promise<string>;
}

/** The 0.3 package of HTTP and what it names. */
async function wit03(): Promise<string> {
  const jco = dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco'));
  const texts = await Promise.all(
    ['http', 'clocks', 'cli', 'random', 'filesystem', 'sockets'].map((name) =>
      readFile(join(jco, `../lib/wit/builtin/0.3.0/wasi-${name}/package.wit`), 'utf8'),
    ),
  );
  return texts.map((text) => `${text.replace(/^(package [^;]+);/m, '$1 {')}\n}`).join('\n');
}

function withItems(wit: string, name: string, items: string): string {
  const from = wit.indexOf(`interface ${name} {`);
  return `${wit.slice(0, from)}interface ${name} { ${items} ${wit.slice(wit.indexOf('\n}\n', from))}`;
}

const HTTP: Handler = {
  export: 'wasi:http/incoming-handler@0.2.12#handle',
  wit: async (items) => withItems(await nestedWit('0.2.12'), 'incoming-handler', items),
};
const QUEUE: Handler = {
  export: 'mayfly:events/queue-handler@0.1.0#handle',
  event: EVENT,
  wit: async (items) =>
    `${await nestedWit('0.2.12')} package mayfly:events@0.1.0 { interface queue-handler { ${items} } }`,
};
const HANDLERS: readonly Handler[] = [
  HTTP,
  QUEUE,
  {
    export: 'wasi:http/handler@0.3.0#handle',
    wit: async (items) => withItems(await wit03(), 'handler', items),
  },
  {
    export: 'wasi:cli/run@0.2.12#run',
    wit: async (items) => withItems(await nestedWit('0.2.12'), 'run', items),
  },
];

async function build(
  handler: Handler,
  [signature, core, body = '']: Declared,
  { isAsync = false, imports = '', functions = '', uses = '', types = TYPES } = {},
): Promise<Uint8Array> {
  const [interfaceName, name] = handler.export.split('#');
  const wat = `(module ${functions}
    (memory (export "memory") 2)
    (global $heap (mut i32) (i32.const 65536))
    (data (i32.const 128) "123")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
      (global.set $heap (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "${handler.export}") ${core} ${body}))`;
  const declared = `${name}: ${isAsync ? 'async ' : ''}func${signature};`;
  return watComponent(
    wat,
    `${imports} export ${interfaceName};`,
    await handler.wit(`${uses} ${types} ${declared}`),
  );
}

const slots = createSlots();

async function outcomeOf(artifact: Awaited<ReturnType<typeof artifactOf>>, event?: EventCall) {
  const exchange = new TestExchange({ method: 'POST', body: 'text' });
  const invocation = new RunningInvocation(
    {
      invocationId: 'test' as InvocationId,
      live: {
        tenant: 'test' as TenantName,
        name: 'test' as FunctionName,
        generation: 0,
        version: 1,
        artifactKey: artifact.key,
        handler: artifact.manifest.handler,
        configuration: { ...defaultConfiguration(), timeoutMs: 2_000 },
      },
      artifact,
      exchange,
      ...(event === undefined ? {} : { event }),
      trigger: event === undefined ? 'http' : 'event',
      scriptName: '',
      outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
    },
    enginePorts({ slots }),
  );
  void exchange.text();
  return (await invocation.done).failure;
}

/** On both roads, twice each: the second in what the first has left. */
async function* outcomes(upload: Uint8Array, { event }: Handler) {
  for (const road of ['linked', 'glue'] as const) {
    const artifact = await artifactOf(upload, road);
    for (let call = 0; call < 2; call++) yield await outcomeOf(artifact, event);
  }
}

for (const handler of HANDLERS) {
  for (const isAsync of [false, true]) {
    test(`an ${isAsync ? 'async ' : ''}export ${handler.export} with other types fails its own call, or does nothing`, async (t) => {
      for (const declared of OTHER_TYPES) {
        const upload = await build(handler, declared, { isAsync });
        for await (const failure of outcomes(upload, handler))
          if (failure !== undefined) t.is(ERROR_TABLE[failure.code].fault, 'function', declared[0]);
      }
      t.pass();
    });
  }
}

/** A method of another resource, called on what the handler was given. */
const METHODS: readonly (readonly [resource: string, name: string, core: string, call: string])[] = [
  ['fields', '[method]fields.entries', '(param i32 i32)', '(call $f (local.get 0) (i32.const 64))'],
  [
    'fields',
    '[method]fields.set',
    '(param i32 i32 i32 i32 i32 i32)',
    '(call $f (local.get 0) (i32.const 128) (i32.const 3) (i32.const 256) (i32.const 2) (i32.const 64))',
  ],
  [
    'outgoing-body',
    '[method]outgoing-body.write',
    '(param i32 i32)',
    '(call $f (local.get 0) (i32.const 64))',
  ],
  [
    'outgoing-body',
    '[static]outgoing-body.finish',
    '(param i32 i32 i32 i32)',
    '(call $f (local.get 0) (i32.const 0) (i32.const 0) (i32.const 64))',
  ],
  [
    'incoming-body',
    '[static]incoming-body.finish',
    '(param i32) (result i32)',
    '(drop (call $f (local.get 0)))',
  ],
  [
    'outgoing-response',
    '[method]outgoing-response.set-status-code',
    '(param i32 i32) (result i32)',
    '(drop (call $f (local.get 0) (i32.const 999)))',
  ],
  [
    'future-trailers',
    '[method]future-trailers.get',
    '(param i32 i32)',
    '(call $f (local.get 0) (i32.const 64))',
  ],
];

test('what a handler is given is no other resource, whatever is declared', async (t) => {
  for (const [resource, name, core, call] of METHODS) {
    const functions = `(import "wasi:http/types@0.2.12" "${name}" (func $f ${core}))`;
    const imports = 'import wasi:http/types@0.2.12;';
    const swapped = await build(HTTP, [`(a: ${resource}, b: ${resource})`, '(param i32 i32)', call], {
      imports,
      functions,
      uses: `use types.{${resource}};`,
    });
    for await (const failure of outcomes(swapped, HTTP)) t.is(failure?.code, 'function_trapped', name);
    // In the event: the event itself, its list of messages, the bytes of one.
    for (const [declared, types] of [
      [resource, ''],
      ['holder', `record holder { messages: ${resource} }`],
      ['holder', `record message { body: ${resource} } record holder { messages: list<message> }`],
    ] as const) {
      const flat = types.includes('list') ? '(param i32 i32)' : '(param i32)';
      const first = types.includes('list') ? '(local.set 0 (i32.load (local.get 0)))' : '';
      const upload = await build(QUEUE, [`(a: ${declared})`, flat, `${first} ${call}`], {
        imports,
        functions,
        types,
        uses: `use wasi:http/types@0.2.12.{${resource}};`,
      });
      for await (const failure of outcomes(upload, QUEUE)) t.is(failure?.code, 'function_trapped', name);
    }
  }
});

/** Of interfaces that are offered, those of other resources that an object of the class would answer to. */
function mistakable(of: { readonly name: string; readonly prototype: object }): string[] {
  return OFFERED_INTERFACES.flatMap(({ interface: name, versions }) =>
    [...offeredFunctions(name, versions).keys()].flatMap((offered) => {
      const [, resource, method] = /^\[method\]([^.]+)\.(.+)$/.exec(offered) ?? [];
      if (resource === undefined || !(camelCase(method!) in of.prototype)) return [];
      return camelCase(resource).toLowerCase() === of.name.toLowerCase() ? [] : [`${resource}.${method}`];
    }),
  );
}

test('methods that objects of a handler share with other resources take and give the same', (t) => {
  t.deepEqual(mistakable(IncomingRequest), [
    'incoming-response.consume',
    'incoming-response.headers',
    'outgoing-request.authority',
    'outgoing-request.headers',
    'outgoing-request.method',
    'outgoing-request.path-with-query',
    'outgoing-request.scheme',
    'outgoing-response.headers',
  ]);
  t.deepEqual(mistakable(ResponseOutparam), []);
  t.deepEqual(mistakable(Request), [
    'outgoing-request.set-authority',
    'outgoing-request.set-method',
    'outgoing-request.set-path-with-query',
    'outgoing-request.set-scheme',
    'response.get-headers',
  ]);
  t.deepEqual(mistakable(Object), []);
});
