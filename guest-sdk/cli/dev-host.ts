/** The host that a function is developed on: the one that the settings name, or one of its own where nothing listens. */
import { Client } from './client.ts';
import { CliError } from './exit-code.ts';
import { type GlobalOptions, isLoopback, resolveSettings, type Settings } from './settings.ts';

/** One person calls it. */
const DEFAULTS = { MAYFLY_EXAMPLES: '0', MAYFLY_THREADS: '1', MAYFLY_SPARE_THREADS: '0' };

export interface DevHost extends AsyncDisposable {
  readonly settings: Settings;
  /** Whether it was started here; it ends with this command then. */
  readonly isOwn: boolean;
}

/** @throws {CliError} */
export async function reachHost(options: GlobalOptions): Promise<DevHost> {
  const settings = await resolveSettings(options);
  const { url } = settings;
  const mayStart = isLoopback(url.hostname) && url.protocol === 'http:' && url.pathname === '/';
  if (await answers(settings, mayStart))
    return { settings, isOwn: false, [Symbol.asyncDispose]: async () => {} };
  return startHere(settings);
}

async function answers(settings: Settings, mayStart: boolean): Promise<boolean> {
  await using client = new Client(settings);
  try {
    await client.json({ method: 'GET', path: '/v1/whoami' });
    return true;
  } catch (error) {
    const isNobody =
      error instanceof CliError && (error.cause as NodeJS.ErrnoException)?.code === 'ECONNREFUSED';
    if (isNobody && mayStart) return false;
    if (mayStart && error instanceof CliError && error.problem?.code === 'unauthenticated')
      throw new CliError(
        error.exit,
        `${error.message}\nA host is there already. For one of this command's own, name a free port: MAYFLY_URL=http://127.0.0.1:8788`,
        { problem: error.problem },
      );
    throw error;
  }
}

// The host takes 150 ms to load, which no other command needs.
async function startHere(settings: Settings): Promise<DevHost> {
  const { KEY_VARIABLES, resolveConfig } = await import('../../host/config.ts');
  const { startHost } = await import('../../host/host.ts');
  const { hostname, port } = settings.url;
  const address = { MAYFLY_HOST: hostname.replace(/^\[|\]$/g, ''), MAYFLY_PORT: port || '80' };
  try {
    const config = resolveConfig({ ...DEFAULTS, ...process.env, ...address }, process.cwd());
    // Threads get a copy of what is left.
    for (const name of KEY_VARIABLES) delete process.env[name];
    const host = await startHost(config, (message, error) => {
      process.stderr.write(`mayfly: ${message}${error === undefined ? '' : `: ${String(error)}`}\n`);
    });
    host.expectPublish();
    return {
      settings: { ...settings, key: host.adminKey.key },
      isOwn: true,
      [Symbol.asyncDispose]: () => host.stop(),
    };
  } catch (error) {
    throw new CliError('failed', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
