import { type Command, InvalidArgumentError } from 'commander';
import type { MappingJson } from '../../../host/control-plane/trigger-schemas.ts';
import { collect, command, commandGroup, withClient } from '../command.ts';
import { Definitions, given } from '../definition.ts';
import {
  type AttemptOptions,
  attemptSettings,
  countCells,
  parseCount,
  parseDurationMs,
  parseJson,
  withAttempts,
} from '../event-options.ts';
import { CliError } from '../exit-code.ts';
import { checkedName, checkedNameOf, type GlobalOptions } from '../settings.ts';
import { print, printJson, table } from '../terminal.ts';

interface SettingsOptions extends GlobalOptions, AttemptOptions {
  readonly function?: string;
  readonly batchSize?: number;
  readonly batchingWindow?: number;
  readonly maximumConcurrency?: number;
  readonly retryBase?: number;
  readonly retryMaximum?: number;
  readonly bisect?: boolean;
  readonly filter?: readonly string[];
}

interface CreateOptions extends SettingsOptions {
  readonly function: string;
  readonly queue?: string;
  readonly stream?: string;
  readonly group?: string;
  readonly fromStart?: boolean;
  readonly paused?: boolean;
}

const mappings = new Definitions({
  noun: 'mapping',
  segment: 'event-source-mappings',
  exampleName: 'orders',
  exampleOption: '--batch-size 50',
});

const CREATE_EXAMPLE = `mayfly mappings create orders --queue orders --function bill --batch-size 10
mayfly mappings create big --queue orders --function audit --filter '{"body":{"total":[{"numeric":[">",100]}]}}'
mayfly mappings create feed --stream feed --function index --from-start --on-failure queue:failed`;

export function mappingsCommand(): Command {
  const example = 'mayfly mappings create orders --queue orders --function bill';
  return commandGroup('mappings', 'let functions handle what comes in at queues and streams', example, [
    createCommand(),
    configureCommand(),
    listCommand(),
    mappings.describeCommand('show a mapping, and what it does at the moment'),
    mappings.switchCommand('pause', 'stop handling messages; they wait'),
    mappings.switchCommand('resume', 'handle messages again'),
    mappings.deleteCommand('delete a mapping; messages stay in their queue'),
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
    await mappings.put(name, body, options);
  });
}

function configureCommand(): Command {
  return withSettings(
    command('configure', 'change settings of a mapping', 'mayfly mappings configure orders --batch-size 50')
      .argument('<mapping>', 'its name')
      .option('--function <name>', 'what handles the messages from now on'),
  ).action(async (name: string, options: SettingsOptions) => {
    const fn = options.function === undefined ? {} : { function: checkedName(options.function) };
    await mappings.patch(name, { ...fn, ...settingsOf(options) }, options);
  });
}

function withSettings(made: Command): Command {
  return withAttempts(made)
    .option('--batch-size <count>', 'messages that one invocation gets at most', parseCount)
    .option('--batching-window <time>', 'how long the first of a batch waits for others', parseDurationMs)
    .option('--maximum-concurrency <count>', 'batches in work at a time', parseCount)
    .option('--retry-base <time>', 'wait before the second attempt; it doubles', parseDurationMs)
    .option('--retry-maximum <time>', 'the longest wait', parseDurationMs)
    .option('--bisect', 'try the halves of a batch that failed')
    .option(
      '--filter <pattern>',
      "an event pattern as Lambda's (repeatable): any of them has to match",
      checkJson,
    );
}

function listCommand(): Command {
  return command('list', 'list the mappings of a tenant', 'mayfly mappings list').action(
    async (options: GlobalOptions) => {
      const found = await withClient(options, (client) =>
        client.json<MappingJson[]>({ method: 'GET', path: client.tenantPath('/event-source-mappings') }),
      );
      if (options.json) printJson(found);
      else if (found.length === 0) print('no mappings yet; `mayfly mappings create` makes one');
      else
        print(
          table(
            ['NAME', 'SOURCE', 'FUNCTION', 'STATE', 'READY', 'DEAD', 'WAITING FOR'],
            found.map(({ name, source, function: fn, status, counts }) => {
              const [ready = '', , , dead = ''] = countCells(counts);
              const from = source.type === 'queue' ? source.queue : `stream ${source.key}`;
              return [name, from, fn, status.state, ready, dead, status.waitingFor?.code ?? ''];
            }),
          ),
        );
    },
  );
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
  const settings = {
    ...attemptSettings(options),
    batchSize: options.batchSize,
    batchingWindowMs: options.batchingWindow,
    maximumConcurrency: options.maximumConcurrency,
    retryBaseMs: options.retryBase,
    retryMaximumMs: options.retryMaximum,
    bisectBatchOnError: options.bisect,
    filters: options.filter?.map(parseJson),
  };
  return given(settings);
}

function checkJson(text: string, previous?: readonly string[]): readonly string[] {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) throw new InvalidArgumentError('It is a JSON object.');
  return collect(text, previous);
}
