/** Publishes bytes and tells how far the host is with them. */
import { createInterface } from 'node:readline';
import type { PublishEventJson } from '../../host/control-plane/publish-stream.ts';
import type { PublishedJson } from '../../host/control-plane/schemas.ts';
import type { ProblemDetails } from '../../host/errors.ts';
import { type Client, describeProblem } from './client.ts';
import { CliError, exitOf } from './exit-code.ts';
import type { Progress } from './terminal.ts';

const LINES = 'application/x-ndjson';

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
  const type = String(response.headers['content-type'] ?? '');
  if (!type.startsWith(LINES)) return (await response.body.json()) as PublishedJson;
  for await (const line of createInterface({ input: response.body, crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = JSON.parse(line) as PublishEventJson;
    if ('published' in event) return event.published;
    if ('problem' in event) {
      const problem = event.problem as ProblemDetails;
      throw new CliError(exitOf(problem), describeProblem(problem), { problem });
    }
    if (event.progress.ms === undefined) progress.detail(STEPS[event.progress.step] ?? event.progress.step);
  }
  throw new CliError('unavailable', 'the host broke off before it said what came of the upload');
}
