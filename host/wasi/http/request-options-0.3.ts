import { ResultError } from '../io/result-error.ts';
import { NO_TIMEOUTS, type Timeouts } from './timeouts.ts';

/** Resource `wasi:http/types#request-options` (WASI 0.3); durations in nanoseconds. */
export class RequestOptions {
  #timeouts: Timeouts = { ...NO_TIMEOUTS };
  #isImmutable = false;

  static timeoutsOf(options: RequestOptions): Readonly<Timeouts> {
    return options.#timeouts;
  }

  /** What `get-options` of a request gives. */
  static viewOf(options: RequestOptions): RequestOptions {
    const view = options.clone();
    view.#isImmutable = true;
    return view;
  }

  getConnectTimeout(): bigint | undefined {
    return this.#timeouts.connectNs;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#set('connectNs', duration);
  }

  getFirstByteTimeout(): bigint | undefined {
    return this.#timeouts.firstByteNs;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#set('firstByteNs', duration);
  }

  getBetweenBytesTimeout(): bigint | undefined {
    return this.#timeouts.betweenBytesNs;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#set('betweenBytesNs', duration);
  }

  clone(): RequestOptions {
    const copy = new RequestOptions();
    copy.#timeouts = { ...this.#timeouts };
    return copy;
  }

  #set(name: keyof Timeouts, duration: bigint | undefined): void {
    if (this.#isImmutable) throw new ResultError({ tag: 'immutable' });
    this.#timeouts[name] = duration;
  }
}
