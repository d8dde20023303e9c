import { MayflyError } from '../../../../host/errors/errors.ts';
import { defaultConfiguration } from '../../../../host/model/function-configuration.ts';
import type { OutboundHttp, WasiContext } from '../../../../host/wasi/context.ts';
import { OutboundError } from '../../../../host/wasi/http/error-code.ts';
import { EMPTY_SOURCE } from '../../../../host/wasi/io/buffer-source.ts';
import { BytePipe } from '../../../../host/wasi/io/byte-pipe.ts';

const deniesAll: OutboundHttp = {
  send: () => Promise.reject(new OutboundError({ tag: 'HTTP-request-denied' })),
};

/** A context for one call of a test guest. Its clock stands still; its streams go nowhere. */
export function createTestContext(
  outbound: OutboundHttp = deniesAll,
  signal: AbortSignal = new AbortController().signal,
): WasiContext {
  return {
    configuration: defaultConfiguration(),
    environment: [],
    args: [],
    stdin: EMPTY_SOURCE,
    stdout: new BytePipe().sink,
    stderr: new BytePipe().sink,
    clock: {
      monotonicResolutionNs: 1n,
      wallResolutionNs: 1n,
      wallNs: () => 0n,
      monotonicNs: () => 0n,
      sleepUntil: () => new Promise(() => {}),
    },
    randomBytes: (length) => new Uint8Array(length),
    outbound,
    end: signal,
    signal,
    terminate: (code, detail) => new MayflyError(code, detail),
  };
}
