// Says what it finds of an earlier request, leaves a message everywhere, and ends as the path says.
let calls = 0;
const cache = new Map();
const pending = [];
class Counted {
  static made = 0;
  #private = 0;
  constructor() {
    Counted.made++;
  }
  next() {
    return ++this.#private;
  }
}
const counted = new Counted();
const numbers = (function* () {
  for (let n = 1; ; n++) yield n;
})();
const pattern = /./g;

function look() {
  return {
    calls: ++calls,
    cached: [...cache.keys()],
    made: Counted.made,
    private: counted.next(),
    generated: numbers.next().value,
    global: globalThis.left ?? null,
    prototype: [].left ?? null,
    intrinsic: JSON.left ?? null,
    stringified: String(new Date(0)),
    last: pattern.lastIndex,
    legacy: RegExp.$1 ?? null,
    pending: pending.length,
    random: Math.random(),
    now: Date.now(),
    trace: Error.stackTraceLimit ?? null,
  };
}

function leave(request) {
  cache.set('a message', new Uint8Array(200_000).fill(7));
  new Counted();
  globalThis.left = 'a message';
  Array.prototype.left = 'a message';
  JSON.left = 'a message';
  Date.prototype.toString = () => 'a message';
  Error.stackTraceLimit = 77;
  pattern.test('ab');
  /(message)/.test('a message');
  pending.push(
    new Promise(() => {}),
    new Promise((_, reject) => reject(new Error('left'))).catch(() => {}),
  );
  if (globalThis.setTimeout !== undefined) pending.push(setTimeout(() => cache.set('late', 1), 1_000_000));
  for (let i = 0; i < 20; i++) pending.push(new Headers({ left: 'a message' }), new Response('left').body);
  pending.push(request);
}

async function end(path, request) {
  switch (path) {
    case '/throw':
      throw new Error('thrown on purpose');
    case '/loop':
      for (;;);
    case '/recurse':
      return new Response(
        String(
          (function deeper(n) {
            return 1 + deeper(n + 1);
          })(0),
        ),
      );
    case '/fetch':
      pending.push(await fetch('http://peer.example/'));
      return new Response('fetched');
    case '/fetch-left':
      pending.push(fetch('http://peer.example/'));
      return undefined;
    case '/read-half': {
      const reader = request.body.getReader();
      await reader.read();
      await reader.read();
      return undefined;
    }
    case '/write-half':
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (pending.half) return new Promise(() => {});
            pending.half = true;
            controller.enqueue(new TextEncoder().encode('half'));
          },
        }),
      );
    case '/write-broken':
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (pending.half) throw new Error('broken on purpose');
            pending.half = true;
            controller.enqueue(new TextEncoder().encode('half'));
          },
        }),
      );
    case '/grow':
      cache.set('large', new Uint8Array(20_000_000).fill(7));
  }
  return undefined;
}

// biome-ignore lint/correctness/noUnusedVariables: whoever builds it appends the call
async function handle(request) {
  const seen = look();
  leave(request);
  const path = new URL(request.url).pathname;
  console.log(path);
  const body = path === '/echo' ? await request.text() : null;
  return (await end(path, request)) ?? new Response(JSON.stringify({ ...seen, body }));
}
