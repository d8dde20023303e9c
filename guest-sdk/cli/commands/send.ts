import type { Command } from 'commander';
import type { SentMessageJson, SentMessagesJson } from '../../../host/control-plane/queue-schemas.ts';
import { QUEUE_LIMITS } from '../../../host/limits/event-limits.ts';
import { MESSAGE_BATCH } from '../../../host/model/queue-message.ts';
import type { Client } from '../client.ts';
import { collect, command, withClient } from '../command.ts';
import { parseDurationMs, readData } from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { checkedNameOf, type GlobalOptions } from '../settings.ts';
import { print, printJson } from '../terminal.ts';

interface SendOptions extends GlobalOptions {
  readonly data: string;
  readonly contentType?: string;
  readonly delay?: number;
  readonly deduplicationKey?: string;
  readonly groupKey?: string;
  readonly attribute?: readonly string[];
  readonly lines?: boolean;
}

const EXAMPLE = `mayfly send orders --data '{"id":7}' --content-type application/json --group-key customer-1
mayfly send orders --data @orders.jsonl --lines --content-type application/json
mayfly send images --data @photo.png --content-type image/png --delay 5m`;

export function sendCommand(): Command {
  return command('send', 'send messages to a queue; when it ends they are durable', EXAMPLE)
    .argument('<queue>', 'its name')
    .requiredOption('--data <text>', 'the message: text, @file, or @- for standard input')
    .option('--lines', 'each line of it is a message of its own')
    .option('--content-type <type>', 'media type (text/plain; charset=utf-8)')
    .option('--delay <time>', 'how long it is held back, such as 5m or 500ms', parseDurationMs)
    .option('--deduplication-key <key>', 'a second message of this key is not kept')
    .option('--group-key <key>', 'messages of one key are handled in order')
    .option('--attribute <name=value>', 'what filters can ask for (repeatable)', collect)
    .action(async (name: string, options: SendOptions) => {
      checkedNameOf('queue', name);
      const attributes = Object.fromEntries((options.attribute ?? []).map(parsePair));
      if (options.lines && options.deduplicationKey !== undefined)
        throw new CliError('usage', 'with --lines, all but the first would be duplicates');
      const data = await readData(options.data);
      const sent = await withClient(options, (client) => {
        const path = client.tenantPath(`/queues/${name}/messages`);
        return options.lines
          ? sendLines(client, path, data, attributes, options)
          : sendOne(client, path, data, attributes, options);
      });
      if (options.json) printJson({ messages: sent });
      else for (const { id, duplicate } of sent) print(duplicate ? `${id} (duplicate)` : id);
    });
}

async function sendOne(
  client: Client,
  path: string,
  body: Uint8Array,
  attributes: Readonly<Record<string, string>>,
  { contentType, delay, deduplicationKey, groupKey }: SendOptions,
): Promise<readonly SentMessageJson[]> {
  const headers = {
    'content-type': contentType ?? 'text/plain; charset=utf-8',
    ...(delay === undefined ? {} : { 'mayfly-delay-ms': String(delay) }),
    ...(deduplicationKey === undefined ? {} : { 'mayfly-deduplication-key': deduplicationKey }),
    ...(groupKey === undefined ? {} : { 'mayfly-group-key': groupKey }),
    ...Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`mayfly-attribute-${name}`, value]),
    ),
  };
  return (await client.json<SentMessagesJson>({ method: 'POST', path, headers, body })).messages;
}

/** As many in a request as one may have. */
async function sendLines(
  client: Client,
  path: string,
  data: Uint8Array,
  attributes: Readonly<Record<string, string>>,
  { contentType, delay, groupKey }: SendOptions,
): Promise<SentMessageJson[]> {
  const lines = new TextDecoder()
    .decode(data)
    .split(/\r?\n/)
    .filter((line) => line !== '');
  const sent: SentMessageJson[] = [];
  for (const batch of batchesOf(lines)) {
    const messages = batch.map((body) => ({ body, contentType, attributes, delayMs: delay, groupKey }));
    const reply = await client.json<SentMessagesJson>({
      method: 'POST',
      path,
      headers: { 'content-type': MESSAGE_BATCH },
      body: JSON.stringify({ messages }),
    });
    sent.push(...reply.messages);
  }
  return sent;
}

function* batchesOf(lines: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    const length = Buffer.byteLength(line);
    if (
      batch.length === QUEUE_LIMITS.sendMessages ||
      (batch.length > 0 && bytes + length > QUEUE_LIMITS.sendBytes)
    ) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += length;
  }
  if (batch.length > 0) yield batch;
}

function parsePair(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  if (at <= 0) throw new CliError('usage', `--attribute ${pair}: write it as name=value`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}
