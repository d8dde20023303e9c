/** Which host, as whom, for which tenant: from flags, the environment, or the files of a host on this machine. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asFunctionName, asTenantName, NAME_PATTERN } from '../../host/model/ids.ts';
import { CliError } from './exit-code.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8787';

/** The options that every command has. */
export interface GlobalOptions {
  readonly host?: string;
  readonly key?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

export interface Settings {
  readonly url: URL;
  readonly tenant: string;
  readonly key: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new CliError('usage', `--host ${text} is not an http or https URL; for example ${DEFAULT_URL}`);
}

/**
 * The key of a host that was started here. It is only sent to this machine: a folder's admin key must not end up
 * at whatever URL the environment names.
 */
async function localKey(url: URL, env: Environment): Promise<string | undefined> {
  if (!isLoopback(url.hostname)) return undefined;
  const folder = env['MAYFLY_DATA_DIR'] || '.mayfly';
  const text = await readFile(join(folder, 'admin.key'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** @throws {CliError} `usage` */
export async function resolveSettings(
  options: GlobalOptions,
  env: Environment = process.env,
): Promise<Settings> {
  const url = parseUrl(options.host || env['MAYFLY_URL'] || DEFAULT_URL);
  const tenant = checkedTenant(options.tenant || env['MAYFLY_TENANT'] || 'default');
  return { url, tenant, key: options.key || env['MAYFLY_KEY'] || (await localKey(url, env)) };
}

const NAME_RULE = '1 to 63 lower-case letters, digits and inner hyphens';

/** @throws {CliError} `usage`, so that a name never reshapes a URL */
export function checkedTenant(name: string): string {
  if (asTenantName(name) === undefined)
    throw new CliError('usage', `${JSON.stringify(name)} is not a tenant's name: ${NAME_RULE}`);
  return name;
}

/** A name of whatever it is that `kind` says. @throws {CliError} `usage`, so that a name never reshapes a URL */
export function checkedNameOf(kind: string, name: string): string {
  if (NAME_PATTERN.test(name)) return name;
  throw new CliError('usage', `${JSON.stringify(name)} is not the name of a ${kind}: ${NAME_RULE}`);
}

/** @throws {CliError} `usage`, so that a name never reshapes a URL */
export function checkedName(name: string): string {
  if (asFunctionName(name) === undefined)
    throw new CliError('usage', `${JSON.stringify(name)} is not a function's name: ${NAME_RULE}`);
  return name;
}
