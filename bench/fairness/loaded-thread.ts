import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Pool } from 'undici';
import type { Measured, ThreadData, ThreadInput, ThreadOutput } from './messages.ts';

/** One serving thread with its callers, who are in this thread. */
export class LoadedThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #pool: Pool;
  readonly #echo: Socket;
  readonly #endless: Promise<unknown>[] = [];
  readonly #leaving = new AbortController();

  private constructor(worker: Worker, pool: Pool, echo: Socket) {
    this.#worker = worker;
    this.#pool = pool;
    this.#echo = echo;
  }

  static async start(data: ThreadData): Promise<LoadedThread> {
    const worker = new Worker(new URL('./serving-thread.ts', import.meta.url), { workerData: data });
    const [ready] = (await once(worker, 'message')) as [ThreadOutput];
    if (ready.kind !== 'ready') throw new Error('the thread is measuring before it is ready');
    const pool = new Pool(`http://127.0.0.1:${ready.httpPort}`, {
      connections: 256,
      bodyTimeout: 0,
      headersTimeout: 0,
    });
    const echo = connect(ready.echoPort, '127.0.0.1').setNoDelay(true);
    await once(echo, 'connect');
    return new LoadedThread(worker, pool, echo);
  }

  /** A call that is over when the bench is. */
  callEndless(tenant: string, name: string): void {
    const { signal } = this.#leaving;
    const call = this.#pool.request({ method: 'GET', path: `/fn/${tenant}/${name}/`, signal });
    this.#endless.push(call.then(({ body }) => body.dump()).catch(() => {}));
  }

  /** Milliseconds until the whole answer is there. */
  async call(tenant: string, name: string): Promise<number> {
    const startMs = performance.now();
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path: `/fn/${tenant}/${name}/` });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${tenant}/${name} answers ${statusCode} ${text}`);
    return performance.now() - startMs;
  }

  /** Milliseconds until a byte that was sent has come back. */
  async roundTrip(): Promise<number> {
    const startMs = performance.now();
    const answer = once(this.#echo, 'data');
    this.#echo.write('x');
    await answer;
    return performance.now() - startMs;
  }

  reset(): void {
    this.#post({ kind: 'reset' });
  }

  async look(): Promise<Measured> {
    const answer = once(this.#worker, 'message') as Promise<[ThreadOutput]>;
    this.#post({ kind: 'look' });
    const [output] = await answer;
    if (output.kind !== 'measured') throw new Error('the thread answers something else');
    return output.measured;
  }

  /** Measures once `count` tenants have each had a slice, from then on. */
  async settle(count: number): Promise<void> {
    for (;;) {
      const { tenants } = await this.look();
      if (Object.values(tenants).filter(({ sliceMs }) => sliceMs.length > 20).length >= count) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.reset();
  }

  #post(input: ThreadInput): void {
    this.#worker.postMessage(input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort();
    this.#echo.destroy();
    await Promise.all(this.#endless);
    await this.#pool.destroy();
    await this.#worker.terminate();
  }
}
