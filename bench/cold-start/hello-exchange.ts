import { MayflyError } from '../../host/errors/errors.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import { SystemClock } from '../../host/wasi/clocks/system-clock.ts';
import type { HttpExchange, WasiContext } from '../../host/wasi/context.ts';
import { EMPTY_SOURCE } from '../../host/wasi/io/buffer-source.ts';
import type { ByteSink } from '../../host/wasi/io/bytes.ts';
import { NULL_SINK } from '../../host/wasi/io/null-sink.ts';
import { TEXT } from '../throughput/subject.ts';

const CONFIGURATION = defaultConfiguration();
const CLOCK = new SystemClock();
const HEADERS = [['host', Buffer.from('bench')]] as const;

/** A request without sockets, which knows the answer that it must get. */
export class HelloExchange implements HttpExchange {
  readonly method = 'GET';
  readonly scheme = 'http';
  readonly authority = 'bench';
  readonly pathWithQuery = '/';
  readonly headers = HEADERS;
  readonly body = EMPTY_SOURCE;
  #text = '';
  #hasEnded = false;

  trailers(): Promise<[]> {
    return Promise.resolve([]);
  }

  respond(): ByteSink {
    return {
      ...NULL_SINK,
      write: (bytes) => {
        this.#text += Buffer.from(bytes).toString('latin1');
      },
      end: () => {
        this.#hasEnded = true;
      },
    };
  }

  sendTrailers(): void {}

  /** @throws Error if it was answered otherwise */
  check(): void {
    if (this.#text !== TEXT || !this.#hasEnded) throw new Error(`the guest answered '${this.#text}'`);
  }
}

/** Everything else that such a guest may ask for. */
export function helloContext(signal: AbortSignal): WasiContext {
  return {
    configuration: CONFIGURATION,
    environment: [],
    args: [],
    stdin: EMPTY_SOURCE,
    stdout: NULL_SINK,
    stderr: NULL_SINK,
    clock: CLOCK,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
    end: signal,
    signal,
    terminate: (code, detail) => new MayflyError(code, detail),
  };
}
