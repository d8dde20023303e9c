/**
 * Where the Redis of the queues is:
 *
 * - `redis://[user:password@]host[:port][/database]`, `rediss://` for TLS: one server;
 * - `redis-sentinel://[user:password@]host[:port][,host[:port]...][/database]#group`, `rediss-sentinel://` for TLS: whichever server of
 *   the group those sentinels say is its primary now. User and password are those of the servers.
 */
const SENTINEL_PORT = 26_379;
const SENTINEL =
  /^(?<scheme>rediss?)-sentinel:\/\/(?:(?<user>[^:@/]*):(?<password>[^@/]*)@)?(?<hosts>[^@/?#]+)(?:\/(?<database>\d{1,4}))?#(?<group>[\w.-]+)$/;
const HOST = /^(?<host>\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(?<port>\d{1,5}))?$/;

/** As ioredis has it. */
export interface SentinelAddress {
  readonly sentinels: { readonly host: string; readonly port: number }[];
  readonly name: string;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly failoverDetector: true;
  readonly tls?: object;
  readonly sentinelTLS?: object;
  readonly enableTLSForSentinelMode?: boolean;
}

/** What ioredis is told of it, or undefined where the text is no such address. */
export function redisAddress(text: string): string | SentinelAddress | undefined {
  const sentinel = SENTINEL.exec(text)?.groups;
  if (sentinel === undefined) return /^rediss?:$/.test(URL.parse(text)?.protocol ?? '') ? text : undefined;
  const { scheme, user, password, hosts = '', database, group = '' } = sentinel;
  const sentinels = hosts.split(',').map(sentinelAt);
  if (!sentinels.every((each) => each !== undefined)) return undefined;
  const tls = scheme === 'rediss' ? { tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} } : {};
  return {
    sentinels,
    name: group,
    ...(user === undefined || user === '' ? {} : { username: decodeURIComponent(user) }),
    ...(password === undefined ? {} : { password: decodeURIComponent(password) }),
    ...(database === undefined ? {} : { db: Number(database) }),
    // Hears from the sentinels that there is another primary, before the connection to the old one fails.
    failoverDetector: true,
    ...tls,
  };
}

function sentinelAt(text: string): { host: string; port: number } | undefined {
  const { host, port } = HOST.exec(text)?.groups ?? {};
  const number = port === undefined ? SENTINEL_PORT : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: number };
}
