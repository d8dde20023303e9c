/** HTTP to a Mayfly host: bytes and problems, no rendering. */
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import type { ProblemDetails } from '../../host/errors/errors.ts';
import { CliError, exitOf } from './exit-code.ts';
import type { Settings } from './settings.ts';

export type ClientResponse = Dispatcher.ResponseData;

export interface ClientRequest {
  readonly method: string;
  /** Below the host's URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array | string | Readable;
  /** Without the key: function URLs are public, and a function must not see it. */
  readonly isPublic?: boolean;
}

/** Big enough for any detail the host writes; a proxy's error page is cut there. */
const ERROR_TEXT_BYTES = 64 * 1024;

const NO_KEY =
  'No key was sent: set MAYFLY_KEY or give --key. A host on this machine keeps its own in .mayfly/admin.key, in the folder that it was started in.';

export class Client implements AsyncDisposable {
  readonly settings: Settings;
  /** Publishing and functions may take minutes, and a followed log never ends: the host has the time limits. */
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } });

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** `/v1/tenants/{tenant}`, then `suffix`. */
  tenantPath(suffix: string): string {
    return `/v1/tenants/${this.settings.tenant}${suffix}`;
  }

  /** `/v1/tenants/{tenant}/functions`, then `suffix`. */
  functionsPath(suffix = ''): string {
    return `/v1/tenants/${this.settings.tenant}/functions${suffix}`;
  }

  /**
   * Sends a request; a problem of the host becomes an error, any other response is the caller's.
   * @throws {CliError}
   */
  async send({ method, path, headers = {}, body, isPublic = false }: ClientRequest): Promise<ClientResponse> {
    const { url, key } = this.settings;
    const base = url.href.replace(/\/$/, '');
    const authorization = key === undefined || isPublic ? {} : { authorization: `Bearer ${key}` };
    try {
      const response = await request(base + path, {
        method: method as Dispatcher.HttpMethod,
        headers: { ...authorization, ...headers } as Record<string, string | string[]>,
        body: body ?? null,
        dispatcher: this.#agent,
      });
      await this.#refuseProblem(response);
      return response;
    } catch (error) {
      throw error instanceof CliError ? error : this.#unreachable(error);
    }
  }

  /** Sends and reads JSON. */
  async json<T>(input: ClientRequest): Promise<T> {
    const { body, statusCode } = await this.send(input);
    const text = await body.text();
    if (statusCode >= 400)
      throw new CliError(
        'failed',
        `${this.settings.url.origin} answered ${statusCode} without saying why: is it a Mayfly host?`,
      );
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new CliError(
        'failed',
        `${this.settings.url.origin} did not answer with JSON: is it a Mayfly host?`,
        { cause },
      );
    }
  }

  /** Sends JSON, and reads JSON. */
  change<T>(method: 'PUT' | 'PATCH' | 'POST', path: string, body: unknown): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return this.json<T>({ method, path, headers, body: JSON.stringify(body) });
  }

  /** Deletes what is at `path`, and gives what is said of it, if anything. */
  async remove<T>(path: string): Promise<T | undefined> {
    const { body } = await this.send({ method: 'DELETE', path });
    const text = await body.text();
    return text === '' ? undefined : (JSON.parse(text) as T);
  }

  async #refuseProblem(response: ClientResponse): Promise<void> {
    const type = String(response.headers['content-type'] ?? '');
    if (response.statusCode < 400 || !type.startsWith('application/problem+json')) return;
    const bytes = await readUpTo(response.body, ERROR_TEXT_BYTES);
    const problem = asProblem(bytes.toString('utf8'));
    // A function may answer with problem details of its own; those are its answer.
    if (problem === undefined)
      throw new CliError(
        'functionFailed',
        `the answer was ${response.statusCode}:\n${bytes.toString('utf8')}`,
      );
    const hasNoKey = problem.code === 'unauthenticated' && this.settings.key === undefined;
    throw new CliError(exitOf(problem), describeProblem(problem) + (hasNoKey ? `\n${NO_KEY}` : ''), {
      problem,
    });
  }

  #unreachable(error: unknown): CliError {
    const { code, message } = error as { code?: string; message?: string };
    const { url } = this.settings;
    const reason = code === 'ECONNREFUSED' ? 'nothing listens there' : (message ?? String(error));
    const hint =
      code === 'ECONNREFUSED' ? '; start a host with `npm start`, or name another with --host' : '';
    return new CliError('unavailable', `cannot reach ${url.origin}: ${reason}${hint}`, { cause: error });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

async function readUpTo(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes);
}

function asProblem(text: string): ProblemDetails | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProblemDetails>;
    const isOurs =
      typeof value.code === 'string' && typeof value.fault === 'string' && typeof value.status === 'number';
    return isOurs ? (value as ProblemDetails) : undefined;
  } catch {
    return undefined;
  }
}

/** Problem details for people: what, why, how to mend it, and the code to look up. */
export function describeProblem(problem: ProblemDetails): string {
  const lines = [problem.title];
  if (problem.detail) lines.push(`  ${problem.detail}`);
  if (problem.field) lines.push(`  field: ${problem.field}`);
  if (problem.mend) lines.push(`  mend: ${problem.mend}`);
  lines.push(
    `  code: ${problem.code} (${problem.status})${problem.instance ? `, invocation ${problem.instance}` : ''}`,
  );
  return lines.join('\n');
}
