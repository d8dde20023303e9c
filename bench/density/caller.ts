import { Pool } from 'undici';

export interface Call {
  readonly name: string;
  /** What it has to answer. */
  readonly text: string;
}

/** Calls functions of the tenant `default`, and tells how long each took. */
export class Caller implements AsyncDisposable {
  readonly #pool: Pool;

  constructor(port: number, connections: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  }

  /** Gives milliseconds. */
  async call({ name, text }: Call): Promise<number> {
    const startMs = performance.now();
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path: `/fn/default/${name}/` });
    const answer = await body.text();
    if (statusCode !== 200 || answer !== text) throw new Error(`${name}: ${statusCode} ${answer}`);
    return performance.now() - startMs;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.close();
  }
}
