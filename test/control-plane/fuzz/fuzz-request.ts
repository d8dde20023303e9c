/** One request of the fuzz, made of a seed and nothing else: as described, a little beside it, or hostile. */
import { Random } from '../../instrument/random.ts';
import { type OpenApiDocument, type OperationEntry, operationsOf } from '../openapi-contract.ts';
import { ValueMaker } from './value-maker.ts';

export interface FuzzRequest {
  readonly kind: 'valid' | 'nearly valid' | 'hostile';
  /** The operation that it is for; absent where it may be for another one, or for none. */
  readonly operationId?: string;
  readonly isHead: boolean;
  readonly bytes: Buffer;
}

export interface FuzzMaterial {
  readonly document: OpenApiDocument;
  /** Opens everything. */
  readonly operatorKey: string;
  /** Components that publish. */
  readonly uploads: readonly Uint8Array[];
}

/** Few names, so that most of them name something that an earlier request made. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  tenant: ['default', 'default', 'acme', 'beta', 'nobody'],
  name: ['small', 'echo', 'acme', 'beta', 'n1', 'n2'],
  function: ['small', 'echo', 'nope'],
  secret: ['TOKEN', 'OTHER'],
  // Each change to `process` would start one, which takes longer than everything else; it has tests of its own.
  isolation: ['shared'],
  // A log that is followed has no end.
  follow: ['false'],
};

const METHODS = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'BREW', 'get'];
const URL_PATHS = ['/', '', '/a/b?c=d', '/%2e%2e/%2f', '/../../v1/tenants', '//x', '/?', '/\xe4'];

type Lines = [name: string, value: string][];

export function fuzzRequest(seed: number, index: number, material: FuzzMaterial): FuzzRequest {
  // Neighbouring seeds of a xorshift begin alike.
  const random = new Random(Math.imul(seed ^ (index + 1), 0x9e3779b1));
  for (let i = 0; i < 4; i++) random.below(2);
  const maker = new ValueMaker(random, material.document.components.schemas, KNOWN);
  const kind = (['valid', 'valid', 'nearly valid', 'hostile'] as const)[random.below(4)]!;
  const entry = random.pick(operationsOf(material.document));
  if (random.below(5) === 0) return functionCall(kind, random, maker);
  if (kind === 'hostile') return hostile(entry, random, maker, material);
  return described(kind, entry, random, maker, material);
}

function described(
  kind: 'valid' | 'nearly valid',
  { method, path, operation }: OperationEntry,
  random: Random,
  maker: ValueMaker,
  material: FuzzMaterial,
): FuzzRequest {
  const isOdd = (): boolean => kind === 'nearly valid' && random.below(3) === 0;
  const value = (schema: object, name: string): string =>
    encodeURIComponent(
      String(isOdd() ? maker.text() : maker.valid(schema as Record<string, unknown>, name)).toWellFormed(),
    );
  const parameters = operation.parameters ?? [];
  let target = path;
  for (const { name, schema } of parameters.filter((each) => each.in === 'path'))
    target = target.replace(`{${name}}`, value(schema, name) || '%20');
  const query = parameters.filter((each) => each.in === 'query' && random.below(2) === 0);
  if (query.length > 0)
    target += `?${query.map(({ name, schema }) => `${name}=${value(schema, name)}`).join('&')}`;
  const lines: Lines = [['authorization', `Bearer ${material.operatorKey}`]];
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === undefined || media === undefined)
    return request(kind, operation.operationId, method, target, lines);
  lines.push(['content-type', isOdd() ? 'text/plain' : type.replace('*/*', 'application/json')]);
  const body = (): string | Uint8Array => {
    if (type === 'application/wasm') return upload(kind, random, material);
    const made = kind === 'valid' ? maker.valid(media.schema) : maker.nearlyValid(media.schema);
    return JSON.stringify(made);
  };
  return request(kind, operation.operationId, method, target, lines, body());
}

function upload(kind: FuzzRequest['kind'], random: Random, { uploads }: FuzzMaterial): Uint8Array {
  const bytes = Buffer.from(random.pick(uploads));
  if (kind === 'valid') return bytes;
  for (let i = random.below(4); i >= 0; i--) bytes[random.below(bytes.length)] = random.below(256);
  return random.below(2) === 0 ? bytes : bytes.subarray(0, random.below(bytes.length));
}

function functionCall(kind: FuzzRequest['kind'], random: Random, maker: ValueMaker): FuzzRequest {
  const method = kind === 'hostile' ? random.pick(METHODS) : random.pick(['GET', 'POST', 'PUT', 'DELETE']);
  const [tenant, name] = [random.pick(KNOWN['tenant']!), random.pick(KNOWN['name']!)];
  const target = `/fn/${tenant}/${name}${random.pick(URL_PATHS)}`;
  const lines: Lines = kind === 'valid' ? [] : oddLines(random, maker);
  const body = random.below(2) === 0 ? undefined : JSON.stringify(maker.hostile());
  return request(kind, undefined, method, target, lines, body);
}

function hostile(
  { method, path }: OperationEntry,
  random: Random,
  maker: ValueMaker,
  { operatorKey }: FuzzMaterial,
): FuzzRequest {
  const target = path.replace(/\{[^}]+\}/g, () =>
    random.pick([maker.text(), 'default', 'small', '%2f', '{x}']),
  );
  const keys = [operatorKey, 'wrong', `mayfly_${'0'.repeat(20)}_x`, `${operatorKey}x`, ''];
  const lines: Lines = [
    ['authorization', `${random.pick(['Bearer', 'bearer', 'Basic', ''])} ${random.pick(keys)}`],
  ];
  lines.push(...oddLines(random, maker));
  lines.push(['content-type', random.pick(['application/json', 'application/wasm', 'x', maker.text()])]);
  const body = random.pick([
    JSON.stringify(maker.hostile()),
    '{',
    '[[[['.repeat(10_000),
    '\0'.repeat(100),
    '"\ud800"',
  ]);
  const chosen = random.below(2) === 0 ? method : random.pick(METHODS);
  return request('hostile', undefined, chosen, target, lines, body);
}

function oddLines(random: Random, maker: ValueMaker): Lines {
  const all: Lines = [
    ['host', 'y'],
    ['content-length', '3'],
    ['transfer-encoding', 'gzip, chunked'],
    ['expect', '100-continue'],
    ['expect', maker.text()],
    ['upgrade', 'websocket'],
    ['x-bomb', 'x'.repeat(random.pick([100, 10_000, 70_000]))],
    ['origin', maker.text()],
    ['cookie', maker.text()],
    ['mayfly-authorizer-context', '{}'],
    ['x-api-key', maker.text()],
    ['traceparent', maker.text()],
  ];
  const many = Array.from(
    { length: random.pick([0, 0, 0, 150, 2_100]) },
    (_, i) => [`x-${i}`, 'y'] as [string, string],
  );
  return [...all.filter(() => random.below(8) === 0), ...many];
}

function request(
  kind: FuzzRequest['kind'],
  operationId: string | undefined,
  method: string,
  target: string,
  lines: Lines,
  body: string | Uint8Array = '',
): FuzzRequest {
  const content = Buffer.from(body);
  const head = [
    `${method.length === 0 ? 'GET' : kind === 'hostile' ? method : method.toUpperCase()} ${target} HTTP/1.1`,
    'host: x',
    'connection: close',
    ...(content.length === 0 ? [] : [`content-length: ${content.length}`]),
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ];
  return {
    kind,
    ...(operationId === undefined ? {} : { operationId }),
    isHead: method.toUpperCase() === 'HEAD',
    bytes: Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), content]),
  };
}
