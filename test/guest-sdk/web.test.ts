/** The guest's web classes against Node's own, which follow the same standards. */
import test from 'ava';
import {
  TextDecoder as GuestDecoder,
  TextEncoder as GuestEncoder,
} from '../../guest-sdk/runtime/encoding.ts';
import { Headers as GuestHeaders } from '../../guest-sdk/runtime/headers.ts';
import { ReadableStream as GuestStream } from '../../guest-sdk/runtime/readable-stream.ts';
import { Request as GuestRequest } from '../../guest-sdk/runtime/request.ts';
import { Response as GuestResponse } from '../../guest-sdk/runtime/response.ts';
import { URL as GuestURL } from '../../guest-sdk/runtime/url.ts';
import { URLSearchParams as GuestParams } from '../../guest-sdk/runtime/url-search-params.ts';

const URLS: readonly (readonly [input: string, base?: string])[] = [
  ['http://example.com'],
  ['HTTP://EXAMPLE.com:80/a/../b/./c?x=1&y=%20#frag ment'],
  ['https://user:p%40ss@example.com:8443/p a/th?q=ü"<>#ä`'],
  ['https://[::1]:443/'],
  ['http://127.0.0.1:8080\\back\\slash'],
  ['http://example.com/%2e%2e/%2E/x/..'],
  ['http://example.com/a//b///'],
  ["http://example.com/?it's=[1]{2}|^\\"],
  ['  http://example.com/\t\n  '],
  ['http:example.com/x'],
  ['mailto:someone@example.com?subject=hi'],
  ['data:text/plain,hello'],
  ['wss://example.com:443/socket'],
  ['/absolute?q', 'http://example.com/a/b?c#d'],
  ['relative/../up', 'http://example.com/a/b/c'],
  ['../../../up', 'http://example.com/a/b/c'],
  ['?only=query', 'http://example.com/a/b?c#d'],
  ['#only-hash', 'http://example.com/a/b?c#d'],
  ['', 'http://example.com/a/b?c#d'],
  ['//other.example/x', 'https://example.com/a'],
  ['.', 'http://example.com/a/b/c'],
  ['http://example.com/emoji/🪰?🪰#🪰'],
  ['http://example.com/plain/path.html?name=value&other=%20'],
  ['http://example.com:8080/'],
  ['https://example.com:443/x'],
  ['http://example.com:00080/x'],
  ['http://127.0.0.1:3000/a?b#c'],
  ['http://example.com/.well-known/x'],
  ['http://example.com/a/%2E%2e/b'],
  ['http://example.com/a/.../b..c'],
  ["http://example.com/it's/[a]|b~?it's|`{}"],
  ['http://example.com/a\\b'],
  ['http://example.com/<a>?<b>'],
  ['http://user@example.com/x'],
  ['http://xn--gre-6ka8i.example/'],
  ['https://Example.com/UPPER?Query'],
];
const PARTS = [
  'href',
  'origin',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
] as const;

for (const [input, base] of URLS) {
  test(`URL: ${JSON.stringify(input)}${base === undefined ? '' : ` from ${base}`} has the parts that Node finds`, (t) => {
    const [guest, node] = [new GuestURL(input, base), new URL(input, base)];
    t.deepEqual(
      PARTS.map((part) => guest[part]),
      PARTS.map((part) => node[part]),
    );
  });
}

test('URL: parts that are set are read back as in Node', (t) => {
  const change = (url: GuestURL | URL): string[] => {
    const steps: string[] = [];
    const note = (): number => steps.push(url.href);
    url.protocol = 'https:';
    note();
    url.host = 'other.example:8080';
    note();
    url.port = 'x';
    url.port = '443';
    note();
    url.hostname = 'third.example';
    url.pathname = '/ä/../b c';
    note();
    url.username = 'me@';
    url.hash = '';
    note();
    url.protocol = 'mailto:';
    note();
    url.href = 'http://last.example/?z#y';
    note();
    return steps;
  };
  t.deepEqual(
    change(new GuestURL('http://a.example:80/x?q#h')),
    change(new URL('http://a.example:80/x?q#h')),
  );
});

test('URL: what is no URL is refused, as Node does', (t) => {
  for (const input of [
    '',
    '/x',
    'http://',
    'http://a b/',
    'http://example.com:99999/',
    'http://example.com:x/',
    'http://a<b/',
  ]) {
    t.false(URL.canParse(input), `Node takes ${input}`);
    t.false(GuestURL.canParse(input), `the guest takes ${input}`);
  }
});

test('URL: an internationalised host is refused with the way out', (t) => {
  t.throws(() => new GuestURL('http://grüße.example/'), { message: /ASCII form \(xn--/ });
});

test('URL: search and searchParams follow each other', (t) => {
  const url = new GuestURL('http://example.com/?a=1');
  url.searchParams.append('b', 'x y&z');
  t.is(url.href, 'http://example.com/?a=1&b=x+y%26z');
  const old = url.searchParams;
  url.search = '?c=3';
  t.is(url.searchParams.get('c'), '3');
  old.append('late', '1');
  t.is(url.href, 'http://example.com/?c=3');
});

test('URLSearchParams: parsing and printing agree with Node', (t) => {
  for (const query of [
    '',
    '?a=1&b=2',
    'a=1&a=2&=x&y',
    'a=%20+%2B&ü=ä',
    'a=%zz%f0%9f%aa%b0%ff',
    "x=!'()~*-._",
    '&&a&&',
  ]) {
    const [guest, node] = [new GuestParams(query), new URLSearchParams(query)];
    t.deepEqual([...guest], [...node], query);
    t.is(String(guest), String(node), query);
  }
});

test('URLSearchParams: set, delete, has and sort agree with Node', (t) => {
  const change = (params: GuestParams | URLSearchParams): string => {
    params.set('a', '9');
    params.append('b', '1');
    params.delete('c', '3');
    params.sort();
    return `${params} ${params.size} ${params.has('a', '9')} ${params.getAll('c')}`;
  };
  t.is(change(new GuestParams('z=1&a=1&c=3&a=2&c=4')), change(new URLSearchParams('z=1&a=1&c=3&a=2&c=4')));
});

const TEXTS = ['', 'plain', 'grüße', '🪰 日本', '\ud800 lone', '\u0000\u007f\u0080', 'x'.repeat(20_000)];
test('TextEncoder: bytes agree with Node', (t) => {
  for (const text of TEXTS)
    t.deepEqual([...new GuestEncoder().encode(text)], [...new TextEncoder().encode(text)]);
});

const MALFORMED = [
  [0xff],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0xaa],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0x61, 0xe2, 0x28, 0xa1],
  [0xf4, 0x90, 0x80, 0x80],
  [0xef, 0xbb, 0xbf, 0x61],
];
test('TextDecoder: malformed bytes become the same replacement characters as in Node', (t) => {
  for (const bytes of MALFORMED) {
    t.is(
      new GuestDecoder().decode(Uint8Array.from(bytes)),
      new TextDecoder().decode(Uint8Array.from(bytes)),
      String(bytes),
    );
  }
  t.throws(() => new GuestDecoder('utf-8', { fatal: true }).decode(Uint8Array.of(0xff)), {
    instanceOf: TypeError,
  });
});

test('TextDecoder: a stream cut anywhere decodes to the same text', (t) => {
  const bytes = new TextEncoder().encode('aé日🪰z');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const decoder = new GuestDecoder();
    const text =
      decoder.decode(bytes.subarray(0, cut), { stream: true }) +
      decoder.decode(bytes.subarray(cut), { stream: true });
    t.is(text + decoder.decode(), 'aé日🪰z');
  }
});

test('Headers: order, joining and cookies agree with Node', (t) => {
  const fill = (headers: GuestHeaders | Headers): [string, string][] => {
    headers.append('X-B', ' 1 ');
    headers.append('x-b', '2');
    headers.append('Set-Cookie', 'a=1');
    headers.append('set-cookie', 'b=2');
    headers.set('A', 'first');
    return [...headers] as [string, string][];
  };
  t.deepEqual(fill(new GuestHeaders()), fill(new Headers()));
});

test('Headers: a line break can be in neither name nor value', (t) => {
  t.throws(() => new GuestHeaders({ 'x-a': 'one\r\nx-b: two' }), { instanceOf: TypeError });
  t.throws(() => new GuestHeaders({ 'x a': '1' }), { instanceOf: TypeError });
});

test('Request and Response: bodies are read once, and clone while they are bytes', async (t) => {
  const request = new GuestRequest('http://example.com/', { method: 'post', body: new GuestParams('a=1') });
  t.is(request.method, 'POST');
  t.is(request.headers.get('content-type'), 'application/x-www-form-urlencoded;charset=UTF-8');
  t.is(await request.clone().text(), 'a=1');
  t.deepEqual([...(await request.bytes())], [0x61, 0x3d, 0x31]);
  await t.throwsAsync(request.text(), { message: /already/ });
  t.throws(() => new GuestRequest('http://example.com/', { body: 'x' }), {
    message: /GET request cannot have a body/,
  });
  t.deepEqual(await GuestResponse.json({ a: [1] }).json(), { a: [1] });
  t.is(GuestResponse.redirect('/x', 303).headers.get('location'), '/x');
  t.throws(() => new GuestResponse('x', { status: 204 }), { instanceOf: TypeError });
  t.throws(() => new GuestResponse(null, { status: 99 }), { instanceOf: RangeError });
});

test('Headers: values are trimmed, bytes, and without control characters', (t) => {
  for (const value of ['plain', ' spaces\t', '', ' ', 'caf\u00e9', 'a\tb', '\u0001', 'a\u007f', '\r\nx']) {
    const [guest, node] = [new GuestHeaders({ 'X-A': value }), new Headers({ 'X-A': value })];
    t.is(guest.get('x-a'), node.get('x-a'), JSON.stringify(value));
  }
  for (const value of ['日', 'a\0b', 'a\nb']) {
    t.throws(() => new Headers({ a: value }), { instanceOf: TypeError });
    t.throws(() => new GuestHeaders({ a: value }), { instanceOf: TypeError });
  }
});

test('Headers: a copy is its own, and set leaves one of a name', (t) => {
  const change = (headers: GuestHeaders | Headers): unknown[] => {
    headers.append('b', '1');
    headers.append('a', '2');
    headers.append('b', '3');
    const copy = new (headers.constructor as typeof Headers)(headers as Headers);
    headers.set('B', '4');
    headers.delete('A');
    copy.append('c', '5');
    return [[...(headers as Headers)], [...copy], headers.has('a'), copy.has('A')];
  };
  t.deepEqual(change(new GuestHeaders()), change(new Headers()));
});

test('Response: what was not given is as in Node', async (t) => {
  const describe = async (of: typeof GuestResponse | typeof Response): Promise<unknown> => {
    const C = of as typeof Response;
    const made = [
      new C('text'),
      new C('text', { headers: { 'Content-Type': 'text/html' } }),
      new C(new Uint8Array([104, 105])),
      new C(null, { status: 204 }),
      C.json({ a: 1 }),
      C.json([1], { status: 404, statusText: 'Gone', headers: { 'content-type': 'application/x', a: 'b' } }),
      new C('cloned', { status: 201 }).clone(),
    ];
    return Promise.all(
      made.map(async (r) => [
        r.status,
        r.statusText,
        r.ok,
        r.url,
        r.redirected,
        [...r.headers],
        await r.text(),
      ]),
    );
  };
  const [guest, node] = [await describe(GuestResponse), await describe(Response)];
  // Node writes no parameter's value in upper case.
  t.deepEqual(guest, JSON.parse(JSON.stringify(node).replaceAll('charset=utf-8', 'charset=UTF-8')));
  t.throws(() => GuestResponse.json(1, { status: 204 }), { instanceOf: TypeError });
});

test('Body: text is what a decoder makes of its bytes, and a body of each kind is used up once', async (t) => {
  for (const body of ['\uFEFFmarked', 'lone \ud800', 'é🪰', '']) {
    t.is(await new GuestResponse(body).text(), await new Response(body).text());
    t.deepEqual([...(await new GuestResponse(body).bytes())], [...(await new Response(body).bytes())]);
  }
  for (const make of [() => 'x', () => Uint8Array.of(1), () => GuestStream.from([Uint8Array.of(1)])]) {
    const response = new GuestResponse(make());
    t.false(response.bodyUsed);
    t.not(response.body, null);
    await response.text();
    t.true(response.bodyUsed);
    t.true(response.body?.locked || response.bodyUsed);
    await t.throwsAsync(response.text(), { message: /already/ });
    t.throws(() => response.clone(), { message: /already/ });
  }
  t.is(new GuestResponse().body, null);
  t.is(await new GuestResponse().text(), '');
});

test('Body: a stream that was given out finds itself locked when the body is read', async (t) => {
  const response = new GuestResponse('x');
  const { body } = response;
  t.is(response.body, body);
  t.is(await response.text(), 'x');
  t.true(body?.locked);
  const read = new GuestResponse('y');
  await read.body?.getReader().read();
  t.true(read.bodyUsed);
  await t.throwsAsync(read.text(), { message: /already/ });
});

test('ReadableStream: a source is pulled only as it is read, and told when the reader gives up', async (t) => {
  const events: string[] = [];
  let next = 0;
  const stream = new GuestStream<number>({
    pull(controller) {
      events.push(`pull ${next}`);
      controller.enqueue(next++);
    },
    cancel: () => void events.push('cancel'),
  });
  for await (const value of stream) if (value === 1) break;
  t.deepEqual(events, ['pull 0', 'pull 1', 'cancel']);
});

test("ReadableStream: a source's failure reaches the reader", async (t) => {
  const stream = new GuestStream({
    pull() {
      throw new RangeError('source failed');
    },
  });
  await t.throwsAsync(stream.getReader().read(), { message: 'source failed' });
});
