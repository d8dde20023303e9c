/** Options that commands about queues, mappings and schedules share. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { type Command, InvalidArgumentError } from 'commander';
import type { SourceCountsJson } from '../../host/control-plane/queue-schemas.ts';
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

/** `queue:results`, `function:report`, `https://...`; `none` as it is, since commander makes an empty text of null. */
function parseDestination(text: string): Destination | 'none' {
  if (text === 'none') return text;
  if (/^https?:\/\//.test(text)) return { type: 'webhook', url: text };
  const [, type, name = ''] = /^(queue|function):(.*)$/.exec(text) ?? [];
  if (type === 'queue') return { type, queue: checkedNameOf('queue', name) };
  if (type === 'function') return { type, function: checkedName(name) };
  throw new InvalidArgumentError('It is queue:NAME, function:NAME, the address of a webhook, or none.');
}

/** How often and how long something is tried, and where its outcome goes. */
export interface AttemptOptions {
  readonly maximumAttempts?: number;
  readonly maximumAge?: number;
  readonly onSuccess?: Destination | 'none';
  readonly onFailure?: Destination | 'none';
}

export function withAttempts(made: Command): Command {
  return made
    .option('--maximum-attempts <count>', 'attempts at a message until it is a dead letter', parseCount)
    .option('--maximum-age <time>', 'a message that was sent longer ago is not tried again', parseDurationMs)
    .option('--on-success <where>', 'queue:NAME, function:NAME, a URL, or none', parseDestination)
    .option('--on-failure <where>', 'the same, for what is given up', parseDestination);
}

/** As the API has them; undefined where an option was not given. */
export function attemptSettings(options: AttemptOptions): Readonly<Record<string, unknown>> {
  const { maximumAttempts, maximumAge: maximumAgeMs, onSuccess, onFailure } = options;
  const destinations = {
    ...(onSuccess === undefined ? {} : { onSuccess: onSuccess === 'none' ? null : onSuccess }),
    ...(onFailure === undefined ? {} : { onFailure: onFailure === 'none' ? null : onFailure }),
  };
  return {
    maximumAttempts,
    maximumAgeMs,
    destinations: Object.keys(destinations).length === 0 ? undefined : destinations,
  };
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

export function countCells(counts: SourceCountsJson | undefined): string[] {
  if (counts === undefined) return COUNT_HEADS.map(() => '?');
  return [counts.ready ?? '?', counts.delayed, counts.inFlight, counts.dead].map(String);
}

/** Lines of `name = value`, for what has too many parts for a table. */
export function properties(value: object): string {
  return Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `${name} = ${typeof each === 'object' ? JSON.stringify(each) : each}`)
    .join('\n');
}
