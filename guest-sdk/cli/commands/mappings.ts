import { type Command, InvalidArgumentError } from 'commander';
import type { MappingJson } from '../../../host/control-plane/trigger-schemas.ts';
import type { Destination } from '../../../host/model/event-source-mapping.ts';
import type { Client } from '../client.ts';
import { collect, command, commandGroup, withClient } from '../command.ts';
import {
  countCells,
  parseCount,
  parseDestination,
  parseDurationMs,
  parseJson,
  properties,
} from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, checkedNameOf, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface SettingsOptions extends GlobalOptions {
  readonly function?: string;
  readonly batchSize?: number;
  readonly batchingWindow?: number;
  readonly maximumConcurrency?: number;
  readonly maximumAttempts?: number;
  readonly maximumAge?: number;
  readonly retryBase?: number;
  readonly retryMaximum?: number;
  readonly bisect?: boolean;
  readonly filter?: readonly string[];
  readonly onSuccess?: Destination | null;
  readonly onFailure?: Destination | null;
}

interface CreateOptions extends SettingsOptions {
  readonly function: string;
  readonly queue?: string;
  readonly stream?: string;
  readonly group?: string;
  readonly fromStart?: boolean;
  readonly paused?: boolean;
}

const CREATE_EXAMPLE = `mayfly mappings create orders --queue orders --function bill --batch-size 10
mayfly mappings create big --queue orders --function audit --filter '{"body":{"total":[{"numeric":[">",100]}]}}'
mayfly mappings create feed --stream feed --function index --from-start --on-failure queue:failed`;

export function mappingsCommand(): Command {
  const example = 'mayfly mappings create orders --queue orders --function bill';
  return commandGroup('mappings', 'let functions handle what comes in at queues and streams', example, [
    createCommand(),
    configureCommand(),
    listCommand(),
    describeCommand(),
    switchCommand('pause', 'stop handling messages; they wait', false),
    switchCommand('resume', 'handle messages again', true),
    deleteCommand(),
  ]);
}

function createCommand(): Command {
  return withSettings(
    command('create', 'create a mapping, or set all of its settings', CREATE_EXAMPLE)
      .argument('<mapping>', 'its name')
      .requiredOption('--function <name>', 'what handles the messages')
      .option('--queue <name>', 'where they come from')
      .option('--stream <key>', "or a stream of the host's Redis, with the operator's key")
      .option('--group <name>', 'consumer group of the stream; one of its own unless given')
      .option('--from-start', 'a new group begins with the first entry of the stream')
      .option('--paused', 'handle nothing yet'),
  ).action(async (name: string, options: CreateOptions) => {
    const body = {
      source: sourceOf(options),
      function: checkedName(options.function),
      ...settingsOf(options),
      ...(options.paused ? { enabled: false } : {}),
    };
    const mapping = await withClient(options, (client) =>
      client.change<MappingJson>('PUT', pathOf(client, name), body),
    );
    show(mapping, options);
  });
}

function configureCommand(): Command {
  return withSettings(
    command('configure', 'change settings of a mapping', 'mayfly mappings configure orders --batch-size 50')
      .argument('<mapping>', 'its name')
      .option('--function <name>', 'what handles the messages from now on'),
  ).action(async (name: string, options: SettingsOptions) => {
    const fn = options.function === undefined ? {} : { function: checkedName(options.function) };
    await patch(name, { ...fn, ...settingsOf(options) }, options);
  });
}

function withSettings(made: Command): Command {
  return made
    .option('--batch-size <count>', 'messages that one invocation gets at most', parseCount)
    .option('--batching-window <time>', 'how long the first of a batch waits for others', parseDurationMs)
    .option('--maximum-concurrency <count>', 'batches in work at a time', parseCount)
    .option('--maximum-attempts <count>', 'attempts at a message until it is a dead letter', parseCount)
    .option('--maximum-age <time>', 'a message that was sent longer ago is not tried again', parseDurationMs)
    .option('--retry-base <time>', 'wait before the second attempt; it doubles', parseDurationMs)
    .option('--retry-maximum <time>', 'the longest wait', parseDurationMs)
    .option('--bisect', 'try the halves of a batch that failed')
    .option(
      '--filter <pattern>',
      "an event pattern as Lambda's (repeatable): any of them has to match",
      checkJson,
    )
    .option('--on-success <where>', 'queue:NAME, function:NAME, a URL, or none', parseDestination)
    .option('--on-failure <where>', 'the same, for what is given up', parseDestination);
}

function listCommand(): Command {
  return command('list', 'list the mappings of a tenant', 'mayfly mappings list').action(
    async (options: GlobalOptions) => {
      const mappings = await withClient(options, (client) =>
        client.json<MappingJson[]>({ method: 'GET', path: client.tenantPath('/event-source-mappings') }),
      );
      if (options.json) printJson(mappings);
      else if (mappings.length === 0) print('no mappings yet; `mayfly mappings create` makes one');
      else
        print(
          table(
            ['NAME', 'SOURCE', 'FUNCTION', 'STATE', 'READY', 'DEAD', 'WAITING FOR'],
            mappings.map(({ name, source, function: fn, status, counts }) => {
              const [ready = '', , , dead = ''] = countCells(counts);
              const from = source.type === 'queue' ? source.queue : `stream ${source.key}`;
              return [name, from, fn, status.state, ready, dead, status.waitingFor?.code ?? ''];
            }),
          ),
        );
    },
  );
}

function describeCommand(): Command {
  return command(
    'describe',
    'show a mapping, and what it does at the moment',
    'mayfly mappings describe orders',
  )
    .argument('<mapping>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      const mapping = await withClient(options, (client) =>
        client.json<MappingJson>({ method: 'GET', path: pathOf(client, name) }),
      );
      show(mapping, options);
    });
}

function switchCommand(verb: string, about: string, enabled: boolean): Command {
  return command(verb, about, `mayfly mappings ${verb} orders`)
    .argument('<mapping>', 'its name')
    .action((name: string, options: GlobalOptions) => patch(name, { enabled }, options));
}

function deleteCommand(): Command {
  return command('delete', 'delete a mapping; messages stay in their queue', 'mayfly mappings delete orders')
    .argument('<mapping>', 'its name')
    .action(async (name: string, options: GlobalOptions) => {
      await withClient(options, (client) => client.remove(pathOf(client, name)));
      if (options.json) printJson({ deleted: name });
      else print(`deleted ${name}`);
    });
}

async function patch(name: string, body: object, options: GlobalOptions): Promise<void> {
  if (Object.keys(body).length === 0)
    throw new CliError('usage', 'nothing to change: name a setting, such as --batch-size 50');
  const mapping = await withClient(options, (client) =>
    client.change<MappingJson>('PATCH', pathOf(client, name), body),
  );
  show(mapping, options);
}

function pathOf(client: Client, name: string): string {
  return client.tenantPath(`/event-source-mappings/${checkedNameOf('mapping', name)}`);
}

function sourceOf({ queue, stream, group, fromStart }: CreateOptions): object {
  if ((queue === undefined) === (stream === undefined))
    throw new CliError('usage', 'name where messages come from: --queue, or --stream');
  if (queue !== undefined) return { type: 'queue', queue: checkedNameOf('queue', queue) };
  return {
    type: 'redis-stream',
    key: stream,
    ...(group === undefined ? {} : { consumerGroup: group }),
    ...(fromStart ? { startingPosition: 'trim-horizon' } : {}),
  };
}

function settingsOf(options: SettingsOptions): Record<string, unknown> {
  const { onSuccess, onFailure } = options;
  const destinations = {
    ...(onSuccess === undefined ? {} : { onSuccess }),
    ...(onFailure === undefined ? {} : { onFailure }),
  };
  const settings = {
    batchSize: options.batchSize,
    batchingWindowMs: options.batchingWindow,
    maximumConcurrency: options.maximumConcurrency,
    maximumAttempts: options.maximumAttempts,
    maximumAgeMs: options.maximumAge,
    retryBaseMs: options.retryBase,
    retryMaximumMs: options.retryMaximum,
    bisectBatchOnError: options.bisect,
    filters: options.filter?.map(parseJson),
    destinations: Object.keys(destinations).length === 0 ? undefined : destinations,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function checkJson(text: string, previous?: readonly string[]): readonly string[] {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) throw new InvalidArgumentError('It is a JSON object.');
  return collect(text, previous);
}

function show(mapping: MappingJson, options: GlobalOptions): void {
  if (options.json) printJson(mapping);
  else print(properties(mapping));
}
