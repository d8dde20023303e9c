/** Publishes bytes and tells how far the host is with them. */
import type { PublishEventJson } from '../../host/control-plane/publish-stream.ts';
import type { PublishedJson } from '../../host/control-plane/schemas.ts';
import type { Client } from './client.ts';
import { CliError } from './exit-code.ts';
import { followedLines, hasLines, LINES } from './followed-lines.ts';
import type { Progress } from './terminal.ts';

/** What a person reads while a step runs. */
const STEPS: Readonly<Record<string, string>> = {
  wait: 'waiting for other uploads',
  check: 'checking',
  componentize: 'making a component of the module',
  transpile: 'transpiling',
  instrument: 'metering',
  compile: 'compiling',
  store: 'storing',
  activate: 'making the version answer',
  warm: 'making an instance',
};

/**
 * @param path of the function, with its query
 * @throws {CliError}
 */
export async function publish(
  client: Client,
  path: string,
  bytes: Uint8Array,
  progress: Progress,
): Promise<PublishedJson> {
  const response = await client.send({
    method: 'PUT',
    path,
    headers: {
      accept: `${LINES}, application/json`,
      'content-type': 'application/wasm',
      'content-length': String(bytes.length),
    },
    body: bytes,
  });
  if (!hasLines(response)) return (await response.body.json()) as PublishedJson;
  for await (const event of followedLines<PublishEventJson>(response)) {
    if ('published' in event) return event.published;
    if (event.progress.ms === undefined) progress.detail(STEPS[event.progress.step] ?? event.progress.step);
  }
  throw new CliError('unavailable', 'the host broke off before it said what came of the upload');
}
