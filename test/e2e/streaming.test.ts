import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import test from 'ava';
import { cCommand } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';

const GiB = 2 ** 30;

/** Copies standard input to standard output, or produces as many bytes as the query says, or counts what it reads. */
const STREAMER = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char buffer[65536];
int main(void) {
  const char *path = getenv("PATH_INFO");
  const char *query = getenv("QUERY_STRING");
  unsigned long long n = query ? strtoull(query, 0, 10) : 0;
  ssize_t k;
  if (!strcmp(path, "/echo")) while ((k = read(0, buffer, sizeof buffer)) > 0) { for (ssize_t at = 0; at < k;) { ssize_t w = write(1, buffer + at, k - at); if (w < 0) return 1; at += w; } }
  if (!strcmp(path, "/produce")) { memset(buffer, 'x', sizeof buffer); for (; n > 0;) { ssize_t w = write(1, buffer, n < sizeof buffer ? n : sizeof buffer); if (w < 0) return 1; n -= w; } }
  if (!strcmp(path, "/count")) { unsigned long long total = 0; while ((k = read(0, buffer, sizeof buffer)) > 0) total += k; printf("%llu", total); }
  if (!strcmp(path, "/partial")) { write(1, "first\\n", 6); sleep(60); }
  return 0;
}
`;

let host: TestHost;
test.before(async () => {
  const [started, guest] = await Promise.all([startTestHost(), cCommand(STREAMER)]);
  host = started;
  await host.deploy('streamer', guest, {
    requestBytes: 2 * GiB,
    responseBytes: 2 * GiB,
    timeoutMs: 120_000,
    fuel: 1_000_000_000_000,
  });
});
test.after.always(() => host.dispose());

interface Exchange {
  readonly response: IncomingMessage;
  readonly sent: Promise<void>;
}

/** Sends `bytes` bytes with back-pressure; gives the response as soon as its head is there. */
async function send(path: string, bytes: number): Promise<Exchange> {
  const outgoing = httpRequest(`${host.origin}/fn/default/streamer${path}`, { method: 'POST' });
  const chunk = Buffer.alloc(64 * 1024, 'y');
  const sent = (async () => {
    for (let left = bytes; left > 0; left -= chunk.length) {
      if (!outgoing.write(left < chunk.length ? chunk.subarray(0, left) : chunk))
        await once(outgoing, 'drain');
    }
    outgoing.end();
  })();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { response, sent };
}

async function size(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).length;
  return bytes;
}

/** Highest resident memory of this process (host, threads and client) while `work` runs, above what it was. */
async function memoryGrowth(work: () => Promise<void>): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peak - before;
}

// All three are far below the gigabyte that passes through; what is left is the collector's slack.
const FLAT_BYTES = 256 * 2 ** 20;

test.serial('a response of 1 GiB passes through with flat memory', async (t) => {
  const growth = await memoryGrowth(async () => {
    const { response, sent } = await send(`/produce?${GiB}`, 0);
    t.is(await size(response), GiB);
    await sent;
    t.true(
      Number(response.trailers['mayfly-fuel']) > 0,
      'a streamed answer says what it cost in its trailer',
    );
  });
  t.true(growth < FLAT_BYTES, `${growth} bytes`);
});

test.serial('an upload of 1 GiB passes through with flat memory', async (t) => {
  const growth = await memoryGrowth(async () => {
    const { response } = await send('/count', GiB);
    let text = '';
    for await (const chunk of response) text += chunk;
    t.is(text, String(GiB));
  });
  t.true(growth < FLAT_BYTES, `${growth} bytes`);
});

test.serial('a body streams through in both directions at once', async (t) => {
  const growth = await memoryGrowth(async () => {
    const { response, sent } = await send('/echo', GiB / 4);
    t.is(await size(response), GiB / 4);
    await sent;
  });
  t.true(growth < FLAT_BYTES, `${growth} bytes`);
});

test.serial('a caller who does not read holds the guest back', async (t) => {
  const { response } = await send(`/produce?${GiB}`, 0);
  response.pause();
  await once(response, 'readable');
  // Nothing more is asked for: what the guest may produce meanwhile fits into buffers.
  const growth = await memoryGrowth(async () => {
    for (let i = 0; i < 50; i++) await host.request('/healthz');
  });
  t.true(growth < FLAT_BYTES / 4, `${growth} bytes`);
  response.destroy();
});

test.serial('a stream begins before the guest has ended', async (t) => {
  const { response } = await send('/partial', 0);
  const [chunk] = (await once(response, 'data')) as [Buffer];
  t.is(chunk.toString(), 'first\n');
  response.destroy();
});

test.serial('a caller who hangs up ends the guest', async (t) => {
  const before = (await host.logs('streamer', 0)).length;
  const { response } = await send('/partial', 0);
  await once(response, 'data');
  response.destroy();
  const messages = await host.logs('streamer', before + 1);
  t.regex(messages.at(-1) ?? '', /^caller_gone/);
});
