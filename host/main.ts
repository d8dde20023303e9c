/** The command `npm start`: resolve the configuration, start the host, deploy the examples, drain on a signal. */

import { ConfigError, KEY_VARIABLES, resolveConfig } from './config.ts';
import { AdminKeyError } from './control-plane/admin-key.ts';
import { DataFolderError } from './data-folder.ts';
import { deployExamples } from './examples.ts';
import { type RunningHost, startHost } from './host.ts';
import { DatabaseOpenError } from './store/database.ts';
import { MasterKeyError } from './store/master-keys.ts';
import { ListenError } from './worker/worker-pool.ts';

/** Errors whose message says all that the operator needs. */
const OPERATORS_ERRORS = [
  ConfigError,
  ListenError,
  AdminKeyError,
  MasterKeyError,
  DatabaseOpenError,
  DataFolderError,
];

/** `npm start` passes a Ctrl-C on that the terminal sent to the whole group already: two signals, one press. */
const ONE_PRESS_MS = 500;

const say = (line = ''): void => void process.stdout.write(`${line}\n`);

function report(message: string, error?: unknown): void {
  const cause =
    error === undefined ? '' : `: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  process.stderr.write(`${new Date().toISOString()} ${message}${cause}\n`);
}

async function main(): Promise<void> {
  const config = resolveConfig(process.env, process.cwd());
  // Threads and child processes get a copy of what is left: keys are for this thread alone.
  for (const name of KEY_VARIABLES) delete process.env[name];
  const host = await startHost(config, report);
  const stopping = stopOnSignal(host);
  say(`Mayfly listens on ${host.origin}, data in ${config.dataDir}`);
  say(
    config.functionsUrl === host.origin
      ? `Console: at any other name of this host than ${host.origin}, which is kept for functions`
      : `Console: ${host.origin}/console/`,
  );
  say(describeKey(host));
  if (config.examples) {
    say();
    for (const line of await deployExamples(host, say, stopping)) say(line);
  }
  if (stopping.aborted) return;
  say();
  say('Ready. Ctrl-C drains and stops.');
}

function describeKey({ adminKey }: RunningHost): string {
  if (adminKey.warning !== undefined) report(adminKey.warning);
  if (adminKey.path === undefined) return 'Admin key: the one in MAYFLY_ADMIN_KEY';
  return `Admin key: cat ${adminKey.path}`;
}

/** The first signal drains, and aborts what is given; a second one does not wait any longer. */
function stopOnSignal(host: RunningHost): AbortSignal {
  const stopping = new AbortController();
  let firstMs = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping.signal.aborted) {
      if (performance.now() - firstMs > ONE_PRESS_MS) process.exit(130);
      return;
    }
    firstMs = performance.now();
    say(`\n${signal}: draining`);
    stopping.abort();
    host.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        report('the host did not stop cleanly', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stopping.signal;
}

main().catch((error: unknown) => {
  const isOperators = OPERATORS_ERRORS.some((type) => error instanceof type);
  process.stderr.write(
    `mayfly: ${isOperators ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(isOperators ? 2 : 1);
});
