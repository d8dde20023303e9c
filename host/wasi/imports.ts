/**
 * The imports of one invocation, under the keys that the glue looks for: unversioned for WASI 0.2 (every 0.2.x
 * reaches the same functions and classes), with the suffix `@0.3` for WASI 0.3, with the whole version for drafts.
 *
 * Resource classes are shared by all invocations and keep their state in private fields; everything that
 * belongs to one invocation hangs on its context, and is made when the guest uses it.
 */

import { createEnvironment } from './cli/environment.ts';
import { createEnvironment03 } from './cli/environment-0.3.ts';
import { EXIT_IMPORTS } from './cli/exit.ts';
import { createStderr, createStdin, createStdout } from './cli/stdio.ts';
import { createStderr03, createStdin03, createStdout03 } from './cli/stdio-0.3.ts';
import {
  TERMINAL_INPUT_IMPORTS,
  TERMINAL_OUTPUT_IMPORTS,
  TERMINAL_STDERR_IMPORTS,
  TERMINAL_STDIN_IMPORTS,
  TERMINAL_STDOUT_IMPORTS,
} from './cli/terminal.ts';
import { createMonotonicClock } from './clocks/monotonic-clock.ts';
import { createMonotonicClock03 } from './clocks/monotonic-clock-0.3.ts';
import { createSystemClock03 } from './clocks/system-clock-0.3.ts';
import { createWallClock } from './clocks/wall-clock.ts';
import type { WasiContext } from './context.ts';
import { createPreopens, FILESYSTEM_TYPES_IMPORTS } from './filesystem/imports.ts';
import { HTTP_INTERFACES } from './http/imports.ts';
import { IoError } from './io/error.ts';
import { createPoll, Pollable } from './io/poll.ts';
import { InputStream, OutputStream } from './io/streams.ts';
import { type Imports, lazyImports, type MakeInterface } from './lazy-imports.ts';
import { createInvocationAttributes } from './otel/invocation-attributes.ts';
import { createTracing } from './otel/tracing.ts';
import { createInsecure, createInsecureSeed, createRandom } from './random/random.ts';
import { createInsecure03, createInsecureSeed03, createRandom03 } from './random/random-0.3.ts';
import {
  createInstanceNetwork,
  IP_NAME_LOOKUP_IMPORTS,
  NETWORK_IMPORTS,
  TCP_CREATE_SOCKET_IMPORTS,
  TCP_IMPORTS,
  UDP_CREATE_SOCKET_IMPORTS,
  UDP_IMPORTS,
} from './sockets/denied.ts';

const IO_ERROR_IMPORTS = { Error: IoError };
const IO_STREAMS_IMPORTS = { InputStream, OutputStream };
/** Interfaces in which nothing is looked up. */
const TYPES_ONLY = {};

/** What is the same for all invocations is made once. */
const INTERFACES: Readonly<Record<string, MakeInterface>> = {
  'wasi:cli/environment': createEnvironment,
  'wasi:cli/exit': () => EXIT_IMPORTS,
  'wasi:cli/stdin': createStdin,
  'wasi:cli/stdout': createStdout,
  'wasi:cli/stderr': createStderr,
  'wasi:cli/terminal-input': () => TERMINAL_INPUT_IMPORTS,
  'wasi:cli/terminal-output': () => TERMINAL_OUTPUT_IMPORTS,
  'wasi:cli/terminal-stdin': () => TERMINAL_STDIN_IMPORTS,
  'wasi:cli/terminal-stdout': () => TERMINAL_STDOUT_IMPORTS,
  'wasi:cli/terminal-stderr': () => TERMINAL_STDERR_IMPORTS,
  'wasi:clocks/monotonic-clock': createMonotonicClock,
  'wasi:clocks/wall-clock': createWallClock,
  'wasi:filesystem/preopens': createPreopens,
  'wasi:filesystem/types': () => FILESYSTEM_TYPES_IMPORTS,
  'wasi:io/error': () => IO_ERROR_IMPORTS,
  'wasi:io/poll': (context) => ({ Pollable, poll: createPoll(context) }),
  'wasi:io/streams': () => IO_STREAMS_IMPORTS,
  'wasi:random/insecure': createInsecure,
  'wasi:random/insecure-seed': createInsecureSeed,
  'wasi:random/random': createRandom,
  'wasi:sockets/instance-network': createInstanceNetwork,
  'wasi:sockets/ip-name-lookup': () => IP_NAME_LOOKUP_IMPORTS,
  'wasi:sockets/network': () => NETWORK_IMPORTS,
  'wasi:sockets/tcp': () => TCP_IMPORTS,
  'wasi:sockets/tcp-create-socket': () => TCP_CREATE_SOCKET_IMPORTS,
  'wasi:sockets/udp': () => UDP_IMPORTS,
  'wasi:sockets/udp-create-socket': () => UDP_CREATE_SOCKET_IMPORTS,
  'wasi:cli/environment@0.3': createEnvironment03,
  'wasi:cli/exit@0.3': () => EXIT_IMPORTS,
  'wasi:cli/stdin@0.3': createStdin03,
  'wasi:cli/stdout@0.3': createStdout03,
  'wasi:cli/stderr@0.3': createStderr03,
  'wasi:cli/terminal-input@0.3': () => TERMINAL_INPUT_IMPORTS,
  'wasi:cli/terminal-output@0.3': () => TERMINAL_OUTPUT_IMPORTS,
  'wasi:cli/terminal-stdin@0.3': () => TERMINAL_STDIN_IMPORTS,
  'wasi:cli/terminal-stdout@0.3': () => TERMINAL_STDOUT_IMPORTS,
  'wasi:cli/terminal-stderr@0.3': () => TERMINAL_STDERR_IMPORTS,
  'wasi:cli/types@0.3': () => TYPES_ONLY,
  'wasi:clocks/monotonic-clock@0.3': createMonotonicClock03,
  'wasi:clocks/system-clock@0.3': createSystemClock03,
  'wasi:clocks/types@0.3': () => TYPES_ONLY,
  'wasi:random/insecure@0.3': createInsecure03,
  'wasi:random/insecure-seed@0.3': createInsecureSeed03,
  'wasi:random/random@0.3': createRandom03,
  'wasi:otel/tracing@0.2.0-rc.2': createTracing,
  'wasi:otel/types@0.2.0-rc.2': () => TYPES_ONLY,
  'mayfly:telemetry/invocation': createInvocationAttributes,
  ...HTTP_INTERFACES,
};

/** `OFFERED_INTERFACES` is the same list as plain data. */
export const IMPORT_KEYS: readonly string[] = Object.keys(INTERFACES);

/** Everything that an invocation may import. */
export const createImports: (context: WasiContext) => Imports = lazyImports(INTERFACES);
