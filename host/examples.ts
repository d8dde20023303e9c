/**
 * Deploys the examples into a fresh host, through its own HTTP interface like anybody else, and gives the
 * `curl` lines that call them. What is there already stays as it is: a person may have changed it.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { request } from 'undici';
import type { RunningHost } from './host.ts';

/** One of `examples/examples.ts`, as far as deploying needs it. */
interface Example {
  readonly name: string;
  readonly summary: string;
  readonly output: string;
  readonly needsClang: boolean;
  readonly call: { readonly method: string; readonly path: string; readonly data?: string };
}

/** What the host sets for the example that fetches; the other settings keep their defaults. */
interface FetchesConfiguration {
  readonly allowedHosts: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const EXAMPLES = new URL(`../examples/examples${extension}`, import.meta.url);
const BUILD = new URL(`../examples/build${extension}`, import.meta.url);

/** The example that fetches two URLs fetches two of the others; the host allows it its own address for that. */
const FETCHES = { name: 'fetch-two-ts', from: ['hello-ts', 'tiny-wat'] };

/**
 * Lines to print. `say` hears of progress meanwhile, since building takes some seconds the first time. Once
 * `stopping` is aborted it gives up without a word.
 */
export async function deployExamples(
  host: RunningHost,
  say: (line: string) => void,
  stopping: AbortSignal,
): Promise<string[]> {
  const { EXAMPLES: examples } = (await import(EXAMPLES.href)) as { EXAMPLES: readonly Example[] };
  const lines: string[] = [];
  for (const example of examples) {
    const failure = await deployIfMissing(host, example, say, stopping).catch(
      (error: Error) => error.message,
    );
    if (stopping.aborted) return [];
    if (failure === undefined) lines.push(`  # ${example.summary}`, `  ${curl(host, example)}`);
    else say(`Example ${example.name} is not deployed: ${failure}`);
  }
  return lines.length === 0 ? [] : ['Call the examples:', ...lines];
}

async function deployIfMissing(
  host: RunningHost,
  example: Example,
  say: (line: string) => void,
  stopping: AbortSignal,
): Promise<string | undefined> {
  const existing = await api(host, 'GET', example.name);
  if (existing.status === 200) {
    return example.name === FETCHES.name ? followPort(host, JSON.parse(existing.text)) : undefined;
  }
  say(`Building and deploying the example ${example.name}`);
  host.expectPublish();
  const failure = await build(example, stopping);
  if (failure !== undefined) return failure;
  const put = await api(host, 'PUT', example.name, 'application/wasm', await readFile(example.output));
  if (put.status !== 201) return put.text;
  return example.name === FETCHES.name ? configureFetches(host) : undefined;
}

async function configureFetches(host: RunningHost): Promise<string | undefined> {
  const patch = await api(
    host,
    'PATCH',
    `${FETCHES.name}/configuration`,
    'application/json',
    JSON.stringify(fetchesAt(host.origin)),
  );
  return patch.status === 200 ? undefined : patch.text;
}

function fetchesAt(origin: string): FetchesConfiguration {
  const [first = '', second = ''] = FETCHES.from.map((name) => `${origin}/fn/default/${name}/`);
  return { allowedHosts: [new URL(origin).host], environment: { FIRST_URL: first, SECOND_URL: second } };
}

/** The host listens elsewhere than when it configured the example; settings that a person changed stay. */
async function followPort(
  host: RunningHost,
  { configuration }: { configuration: FetchesConfiguration },
): Promise<string | undefined> {
  const { allowedHosts, environment } = configuration;
  if (allowedHosts.length !== 1 || allowedHosts[0] === new URL(host.origin).host) return undefined;
  const configured: FetchesConfiguration = { allowedHosts, environment };
  const untouched = fetchesAt(`http://${allowedHosts[0]}`);
  return isDeepStrictEqual(configured, untouched) ? configureFetches(host) : undefined;
}

/** In a process of its own: the toolchain's memory is not the host's. Gives what to do if it fails. */
function build(example: Example, stopping: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(BUILD), example.name], {
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: stopping,
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status) => {
      if (status === 0) resolve(undefined);
      else if (example.needsClang)
        resolve('it needs clang and wasi-libc (apt-get install clang lld wasi-libc libclang-rt-dev-wasm32)');
      else resolve(errors.trim());
    });
  });
}

function curl({ origin }: RunningHost, { name, call }: Example): string {
  const data = call.data === undefined ? '' : ` -d '${call.data}'`;
  return `curl -s${data} '${origin}/fn/default/${name}${call.path}'`;
}

async function api(
  host: RunningHost,
  method: 'GET' | 'PUT' | 'PATCH',
  path: string,
  contentType?: string,
  body?: string | Uint8Array,
): Promise<{ status: number; text: string }> {
  const answer = await request(`${host.origin}/v1/tenants/default/functions/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${host.adminKey.key}`,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}
