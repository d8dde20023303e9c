/**
 * `mayfly dev`: publishes a function and does so again whenever its sources change, on a host that it starts unless one answers. The log of
 * the function goes to standard output. What is wrong with the sources is said and waited out.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { Command } from 'commander';
import type { LogRecordJson, PublishedJson } from '../../../host/control-plane/schemas.ts';
import { Client } from '../client.ts';
import { collect, command } from '../command.ts';
import { loadComponent, nameFromFile } from '../component-file.ts';
import { reachHost } from '../dev-host.ts';
import { CliError } from '../exit-code.ts';
import { configureFunction } from '../function-settings.ts';
import { followLog } from '../log-lines.ts';
import { publish } from '../publish.ts';
import { checkedName, type GlobalOptions } from '../settings.ts';
import { type SourcesRead, SourceWatch } from '../source-watch.ts';
import { formatBytes, formatMs, Progress, plain, print } from '../terminal.ts';

interface DevOptions extends GlobalOptions {
  readonly name?: string;
  readonly env?: readonly string[];
  readonly envFile?: string;
  readonly allowHost?: readonly string[];
}

const EXAMPLE = `mayfly dev src/hello.ts
mayfly dev src/hello.ts --env-file .env --allow-host api.example.com`;

/** A terminal's Ctrl-C reaches this process and the one that started it, which passes it on: two signals, one press. */
const ONE_PRESS_MS = 500;

export function devCommand(): Command {
  return command('dev', 'run a function on this machine, and again at each change of its sources', EXAMPLE)
    .argument('<file>', 'a .ts, .mts, .js, .mjs, .wat or .wasm file')
    .option('--name <name>', "the function's name; the file's own unless given")
    .option('--env <key=value>', 'set an environment variable (repeatable)', collect)
    .option('--env-file <file>', 'set those of a file, such as .env')
    .option('--allow-host <host>', 'a host that the function may call (repeatable)', collect)
    .action(async (file: string, options: DevOptions) => {
      const name = checkedName(options.name ?? nameFromFile(file));
      const env = [...(await variablesOf(options.envFile)), ...(options.env ?? [])];
      const allowHost = options.allowHost ?? [];
      const stopped = whenInterrupted();
      await using host = await reachHost(options);
      await using client = new Client(host.settings);
      const tell = options.json ? printEvent : printForPeople;
      tell({ event: 'host', url: host.settings.url.origin, isOwn: host.isOwn });
      await using sources = new SourceWatch(resolve(file));
      await sources.ready();
      const develop = new Development(client, file, name, tell, { env, allowHost });
      // What is being built when it is interrupted is given up.
      await Promise.race([stopped, develop.follow(sources)]);
    });
}

type DevEvent =
  | { readonly event: 'host'; readonly url: string; readonly isOwn: boolean }
  | { readonly event: 'published'; readonly published: PublishedJson; readonly ms: number }
  | { readonly event: 'failed'; readonly message: string }
  | { readonly event: 'log'; readonly record: LogRecordJson };

class Development {
  readonly #client: Client;
  readonly #file: string;
  readonly #name: string;
  readonly #tell: (event: DevEvent) => void;
  readonly #settings: { readonly env: readonly string[]; readonly allowHost: readonly string[] };
  #hasBegun = false;

  constructor(
    client: Client,
    file: string,
    name: string,
    tell: (event: DevEvent) => void,
    settings: { readonly env: readonly string[]; readonly allowHost: readonly string[] },
  ) {
    this.#client = client;
    this.#file = file;
    this.#name = name;
    this.#tell = tell;
    this.#settings = settings;
  }

  /** Publishes now, and at each change. Ends only with an error that no change of the sources mends. */
  async follow(sources: SourceWatch): Promise<never> {
    for (;;) await sources.changed(await this.#publish());
  }

  /** Builds and publishes what the sources are now. Says why it cannot. */
  async #publish(): Promise<SourcesRead> {
    const startMs = performance.now();
    const paths = new Set<string>();
    let isComplete = false;
    try {
      using progress = new Progress();
      const { bytes } = await loadComponent(this.#file, progress, { onRead: (path) => paths.add(path) });
      isComplete = true;
      progress.step(`publishing ${formatBytes(bytes.length)}`);
      const published = await publish(
        this.#client,
        this.#client.functionsPath(`/${this.#name}`),
        bytes,
        progress,
      );
      if (!this.#hasBegun) await this.#begin();
      this.#tell({ event: 'published', published, ms: performance.now() - startMs });
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      this.#tell({ event: 'failed', message: error.message });
    }
    return { paths, isComplete };
  }

  /** What can be done only once there is a function. */
  async #begin(): Promise<void> {
    const { env, allowHost } = this.#settings;
    if (env.length + allowHost.length > 0)
      await configureFunction(this.#client, this.#name, { env, allowHost });
    this.#hasBegun = true;
    const path = this.#client.functionsPath(`/${this.#name}/logs?follow=true&limit=0`);
    // It breaks off when the client is closed.
    followLog(this.#client, path, (record) => this.#tell({ event: 'log', record })).catch(() => {});
  }
}

async function variablesOf(file: string | undefined): Promise<string[]> {
  if (file === undefined) return [];
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError('usage', `${file} cannot be read: ${error.message}`, { cause: error });
  });
  return Object.entries(parseEnv(text)).map(([key, value]) => `${key}=${value ?? ''}`);
}

function whenInterrupted(): Promise<void> {
  const { promise, resolve: stop } = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs !== undefined && performance.now() - firstMs > ONE_PRESS_MS) process.exit(130);
    firstMs ??= performance.now();
    stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return promise;
}

function printEvent(event: DevEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function printForPeople(event: DevEvent): void {
  switch (event.event) {
    case 'host':
      print(
        event.isOwn
          ? `a host listens on ${event.url}; its console is at ${event.url}/console/. Ctrl-C ends it`
          : `publishing to the host at ${event.url}; Ctrl-C ends this command and leaves the function there`,
      );
      return;
    case 'published': {
      const { name, version, url } = event.published;
      print(`${name} version ${version} answers at ${url} (${formatMs(event.ms)})`);
      return;
    }
    case 'failed':
      process.stderr.write(`${plain(event.message)}\nwaiting for a change ...\n`);
      return;
    case 'log': {
      const { timestamp, level, message } = event.record;
      print(`${timestamp.slice(11, 23)} ${level.padEnd(5)} ${message}`);
    }
  }
}
