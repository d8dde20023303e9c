/** Records of a function's log, as they come from a host and as people read them. */
import { createInterface } from 'node:readline';
import type { LogRecordJson } from '../../host/control-plane/schemas.ts';
import type { Client } from './client.ts';

/** Ends when the host ends the log, or with an error when the client is closed. */
export async function followLog(
  client: Client,
  path: string,
  show: (record: LogRecordJson) => void,
): Promise<void> {
  const { body } = await client.send({ method: 'GET', path });
  for await (const line of createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line !== '') show(JSON.parse(line) as LogRecordJson);
  }
}

export function formatRecord({ timestamp, level, version, invocationId, message }: LogRecordJson): string {
  return `${timestamp} ${level.padEnd(5)} v${version} ${invocationId} ${message}`;
}
