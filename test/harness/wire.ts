/** One HTTP/1.1 exchange with nothing normalised: the path goes out as it is, and the answer comes back whole. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values by turns; a name may come more than once. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array;
}

export interface WireAnswer {
  readonly status: number;
  /** Lower-case names, in the order of the alphabet, then of the wire. */
  readonly headers: readonly (readonly [string, string])[];
  readonly trailers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export async function exchange(
  port: number,
  { method, path, headers = [], body }: WireRequest,
  signal?: AbortSignal,
): Promise<WireAnswer> {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: [
      'Host',
      '127.0.0.1',
      ...headers,
      ...(body === undefined ? [] : ['Content-Length', String(body.length)]),
    ],
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const read = await buffer(incoming);
  return {
    status: incoming.statusCode ?? 0,
    headers: pairs(incoming.rawHeaders),
    trailers: pairs(incoming.rawTrailers),
    body: read,
  };
}

function pairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([raw[i]!.toLowerCase(), raw[i + 1]!]);
  return list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
