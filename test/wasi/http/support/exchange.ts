import type { HeaderList, HttpExchange } from '../../../../host/wasi/context.ts';
import { BufferSource } from '../../../../host/wasi/io/buffer-source.ts';
import { BytePipe } from '../../../../host/wasi/io/byte-pipe.ts';
import type { ByteSource } from '../../../../host/wasi/io/bytes.ts';

export interface ExchangeOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ByteSource | string;
  readonly trailers?: Readonly<Record<string, string>>;
}

export function toHeaderList(headers: Readonly<Record<string, string>>): HeaderList {
  return Object.entries(headers).map(([name, value]) => [name, Buffer.from(value, 'latin1')] as const);
}

function toText(list: HeaderList): string[] {
  return list.map(([name, value]) => `${name}: ${Buffer.from(value).toString('latin1')}`);
}

/** An exchange whose caller is the test: what the guest answers is read from `response`. */
export class TestExchange implements HttpExchange {
  readonly method: string;
  readonly scheme = 'http';
  readonly authority = 'functions.example';
  readonly pathWithQuery: string;
  readonly headers: HeaderList;
  readonly body: ByteSource;
  readonly response: BytePipe = new BytePipe();
  status: number | undefined;
  responseHeaders: string[] = [];
  responseTrailers: string[] = [];
  readonly #trailers: HeaderList;

  constructor(options: ExchangeOptions = {}) {
    this.method = options.method ?? 'GET';
    this.pathWithQuery = options.path ?? '/';
    this.headers = toHeaderList(options.headers ?? {});
    this.#trailers = toHeaderList(options.trailers ?? {});
    const body = options.body ?? '';
    this.body = typeof body === 'string' ? new BufferSource(Buffer.from(body)) : body;
  }

  trailers(): Promise<HeaderList> {
    return Promise.resolve(this.#trailers);
  }

  respond(status: number, headers: HeaderList): BytePipe['sink'] {
    this.status = status;
    this.responseHeaders = toText(headers);
    return this.response.sink;
  }

  sendTrailers(trailers: HeaderList): void {
    this.responseTrailers = toText(trailers);
  }

  /** Chunks of the response until its end; throws what it was aborted with. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.response.source.read(64 * 1024);
      if (chunk === 'end') return;
      if (chunk.length > 0) yield chunk;
      else await this.response.source.ready();
    }
  }

  async text(): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.chunks()) chunks.push(chunk);
    return Buffer.concat(chunks).toString('latin1');
  }
}
