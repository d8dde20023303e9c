/** What somebody before a terminal sees of an upload. */
import { Readable } from 'node:stream';
import test from 'ava';
import type { Client } from '../../guest-sdk/cli/client.ts';
import { publish } from '../../guest-sdk/cli/publish.ts';
import { Progress } from '../../guest-sdk/cli/terminal.ts';

const EVENTS = [
  { progress: { step: 'check' } },
  { progress: { step: 'check', ms: 2 } },
  { progress: { step: 'instrument' } },
  { progress: { step: 'a later step' } },
  { published: { version: 4 }, created: true },
];

test('each step is named when it begins, in words; one that is not known yet by its name', async (t) => {
  let drawn = '';
  const terminal = { isTTY: true, write: (text: string) => (drawn += text) } as unknown as NodeJS.WriteStream;
  const client = {
    send: async () => ({
      headers: { 'content-type': 'application/x-ndjson' },
      body: Readable.from(EVENTS.map((event) => `${JSON.stringify(event)}\n`)),
    }),
  } as unknown as Client;
  using progress = new Progress(terminal);
  const published = await publish(client, '/path', Buffer.from('bytes'), progress);
  t.is(published.version, 4);
  t.deepEqual(drawn.match(/(?<=\S )[a-z ]+/g), ['checking', 'metering', 'a later step']);
});
