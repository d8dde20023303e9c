/** Options that commands about queues, mappings and schedules share. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';
import type { QueueCountsJson } from '../../host/control-plane/queue-schemas.ts';
import type { Destination } from '../../host/model/event-source-mapping.ts';
import type { Client } from './client.ts';
import { parseDurationSeconds } from './duration.ts';
import { CliError } from './exit-code.ts';
import { checkedName, checkedNameOf } from './settings.ts';

/** `90s`, `5m`: milliseconds. `500ms` where a second is too long. */
export function parseDurationMs(text: string): number {
  const [, ms] = /^([0-9]{1,9})ms$/.exec(text) ?? [];
  return ms === undefined ? parseDurationSeconds(text) * 1_000 : Number(ms);
}

export function parseCount(text: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.');
  return Number(text);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It is JSON.');
  }
}

/** `queue:results`, `function:report`, `https://...`, `none`. */
export function parseDestination(text: string): Destination | null {
  if (text === 'none') return null;
  if (/^https?:\/\//.test(text)) return { type: 'webhook', url: text };
  const [, type, name = ''] = /^(queue|function):(.*)$/.exec(text) ?? [];
  if (type === 'queue') return { type, queue: checkedNameOf('queue', name) };
  if (type === 'function') return { type, function: checkedName(name) };
  throw new InvalidArgumentError('It is queue:NAME, function:NAME, the address of a webhook, or none.');
}

/** The path of a queue, or of the events of a function: whichever was named. @throws {CliError} `usage` */
export function contentPath(client: Client, queue: string | undefined, fn: string | undefined): string {
  if ((queue === undefined) === (fn === undefined))
    throw new CliError('usage', 'name a queue, or a function with --function');
  return queue === undefined
    ? client.functionsPath(`/${checkedName(fn!)}/events`)
    : client.tenantPath(`/queues/${checkedNameOf('queue', queue)}`);
}

/** Text, `@file`, or `@-` for standard input, whole. @throws {CliError} `usage` */
export async function readData(text: string): Promise<Uint8Array> {
  if (text === '@-') return buffer(process.stdin);
  if (!text.startsWith('@')) return Buffer.from(text);
  return readFile(text.slice(1)).catch((error: NodeJS.ErrnoException) => {
    throw new CliError('usage', error.code === 'ENOENT' ? `${text.slice(1)} does not exist` : error.message);
  });
}

export const COUNT_HEADS = ['READY', 'DELAYED', 'IN FLIGHT', 'DEAD'] as const;

export function countCells(counts: QueueCountsJson | undefined): string[] {
  if (counts === undefined) return COUNT_HEADS.map(() => '?');
  return [counts.ready, counts.delayed, counts.inFlight, counts.dead].map(String);
}

/** Lines of `name = value`, for what has too many parts for a table. */
export function properties(value: object): string {
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `${name} = ${typeof each === 'object' ? JSON.stringify(each) : each}`)
    .join('\n');
}
