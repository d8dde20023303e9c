/**
 * The interfaces that components may import. Plain data: publishing reads it in a process that runs no guests.
 * `createImports` answers for every one of them (a test compares the two).
 */
export interface OfferedInterface {
  /** Without a version: `wasi:io/streams`. */
  readonly interface: string;
  /**
   * Any release with this beginning; of a draft, exactly this one. 0.3 is bound under the interface plus `@0.3`, a draft under its whole name.
   */
  readonly versions: '0.1' | '0.2' | '0.3' | '0.2.0-rc.2';
}

function offered(versions: OfferedInterface['versions'], interfaces: readonly string[]): OfferedInterface[] {
  return interfaces.map((name) => ({ interface: name, versions }));
}

export const OFFERED_INTERFACES: readonly OfferedInterface[] = [
  ...offered('0.2', [
    'wasi:cli/environment',
    'wasi:cli/exit',
    'wasi:cli/stdin',
    'wasi:cli/stdout',
    'wasi:cli/stderr',
    'wasi:cli/terminal-input',
    'wasi:cli/terminal-output',
    'wasi:cli/terminal-stdin',
    'wasi:cli/terminal-stdout',
    'wasi:cli/terminal-stderr',
    'wasi:clocks/monotonic-clock',
    'wasi:clocks/wall-clock',
    'wasi:filesystem/preopens',
    'wasi:filesystem/types',
    'wasi:http/outgoing-handler',
    'wasi:http/types',
    'wasi:io/error',
    'wasi:io/poll',
    'wasi:io/streams',
    'wasi:random/insecure',
    'wasi:random/insecure-seed',
    'wasi:random/random',
    'wasi:sockets/instance-network',
    'wasi:sockets/ip-name-lookup',
    'wasi:sockets/network',
    'wasi:sockets/tcp',
    'wasi:sockets/tcp-create-socket',
    'wasi:sockets/udp',
    'wasi:sockets/udp-create-socket',
  ]),
  ...offered('0.3', [
    'wasi:cli/environment',
    'wasi:cli/exit',
    'wasi:cli/stdin',
    'wasi:cli/stdout',
    'wasi:cli/stderr',
    'wasi:cli/terminal-input',
    'wasi:cli/terminal-output',
    'wasi:cli/terminal-stdin',
    'wasi:cli/terminal-stdout',
    'wasi:cli/terminal-stderr',
    'wasi:cli/types',
    'wasi:clocks/monotonic-clock',
    'wasi:clocks/system-clock',
    'wasi:clocks/types',
    'wasi:http/client',
    'wasi:http/types',
    'wasi:random/insecure',
    'wasi:random/insecure-seed',
    'wasi:random/random',
  ]),
  ...offered('0.1', ['mayfly:http/messages', 'mayfly:http/outbound', 'mayfly:telemetry/invocation']),
  ...offered('0.2.0-rc.2', ['wasi:otel/tracing', 'wasi:otel/types']),
];
