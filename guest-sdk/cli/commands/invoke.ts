import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { SentMessageJson } from '../../../host/control-plane/queue-schemas.ts';
import type { Client, ClientResponse } from '../client.ts';
import { collect, command, withClient } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { plain, print, printBytes, printJson } from '../terminal.ts';

interface InvokeOptions extends GlobalOptions {
  readonly path?: string;
  readonly method?: string;
  readonly header?: readonly string[];
  readonly data?: string;
  readonly include?: boolean;
  readonly withKey?: boolean;
  readonly async?: boolean;
}

const EXAMPLE = `mayfly invoke hello --data '{"name":"Ada"}'
mayfly invoke hello --path '/greet?name=Ada' --include
mayfly invoke report --async --data '{"month":"2026-11"}'
mayfly invoke resize --path / --data @photo.png > small.png`;

export function invokeCommand(): Command {
  return command('invoke', 'call a function and print what it answers', EXAMPLE)
    .argument('<name>', 'the function')
    .option('--path <path>', 'call its URL with this path and query, rather than sending it an event')
    .option('--method <method>', 'the method of that request; GET, or POST with --data, unless given')
    .option('--header <name: value>', 'a request header (repeatable)', collect)
    .option('--data <text>', 'the body: text, @file, or @- for standard input')
    .option('--with-key', 'show the key to its URL, too, which is otherwise called as by anybody')
    .option('--async', 'have it called later: prints the id of the event once it is durable')
    .option('-i, --include', 'print status and headers before the body')
    .action(async (name: string, options: InvokeOptions) => {
      checkedName(name);
      const headers = parseHeaders(options.header ?? []);
      await using data = await openData(options.data);
      await withClient(options, async (client) => {
        const isRequest = options.path !== undefined || options.method !== undefined;
        if (options.async) {
          if (isRequest)
            throw new CliError('usage', '--async sends an event: it goes with no path or method');
          await invokeLater(client, name, headers, data.body, options);
          return;
        }
        const response = await client.send({
          method: isRequest
            ? (options.method ?? (data.body === undefined ? 'GET' : 'POST')).toUpperCase()
            : 'POST',
          path: isRequest
            ? `/fn/${client.settings.tenant}/${name}${slashed(options.path ?? '/')}`
            : client.functionsPath(`/${name}/invocations`),
          headers,
          isPublic: isRequest && options.withKey !== true,
          ...(data.body === undefined ? {} : { body: data.body }),
        });
        if (options.json) await printAsJson(response);
        else await printRaw(response, options.include ?? false);
        if (response.statusCode >= 400)
          throw new CliError('functionFailed', `${name} answered ${response.statusCode}`);
      });
    });
}

async function invokeLater(
  client: Client,
  name: string,
  headers: Readonly<Record<string, string[]>>,
  body: string | Readable | undefined,
  options: InvokeOptions,
): Promise<void> {
  const sent = await client.json<SentMessageJson>({
    method: 'POST',
    path: client.functionsPath(`/${name}/invocations`),
    headers: { ...headers, 'mayfly-invocation-type': 'Event' },
    ...(body === undefined ? {} : { body }),
  });
  if (options.json) printJson(sent);
  else print(sent.duplicate ? `${sent.id} (duplicate)` : sent.id);
}

function slashed(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function parseHeaders(texts: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const text of texts) {
    const at = text.indexOf(':');
    if (at <= 0) throw new CliError('usage', `--header ${JSON.stringify(text)}: write it as 'name: value'`);
    const name = text.slice(0, at).trim().toLowerCase();
    headers[name] = [...(headers[name] ?? []), text.slice(at + 1).trim()];
  }
  return headers;
}

interface Data extends AsyncDisposable {
  readonly body: string | Readable | undefined;
}

/** A file is streamed, so that its size is the host's business alone. */
async function openData(text: string | undefined): Promise<Data> {
  const keep = async (): Promise<void> => {};
  // A function may answer before it has read everything; an open input would keep this process alive then.
  if (text === '@-')
    return { body: process.stdin, [Symbol.asyncDispose]: async () => void process.stdin.destroy() };
  if (!text?.startsWith('@')) return { body: text, [Symbol.asyncDispose]: keep };
  const file = await open(text.slice(1)).catch((error: NodeJS.ErrnoException) => {
    throw new CliError('usage', error.code === 'ENOENT' ? `${text.slice(1)} does not exist` : error.message);
  });
  return { body: file.createReadStream({ autoClose: false }), [Symbol.asyncDispose]: () => file.close() };
}

function headerLines(response: ClientResponse): string {
  const lines = Object.entries(response.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one) => `${name}: ${one}`),
  );
  return [`HTTP ${response.statusCode}`, ...lines, '', ''].join('\n');
}

async function printRaw(response: ClientResponse, includeHeaders: boolean): Promise<void> {
  if (includeHeaders) process.stdout.write(plain(headerLines(response)));
  await printBytes(response.body);
}

async function printAsJson(response: ClientResponse): Promise<void> {
  const bytes = Buffer.from(await response.body.arrayBuffer());
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  printJson({
    status: response.statusCode,
    headers: response.headers,
    ...(isText ? { body: text } : { bodyBase64: bytes.toString('base64') }),
  });
}
