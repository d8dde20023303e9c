/** A real host in a process of its own, and lanes that send it one request of the fuzz after the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { HostProcess } from '../../harness/host-process.ts';
import { residentBytes } from '../../harness/memory.ts';
import { RawConnection } from '../../harness/raw-connection.ts';
import { plainCommand } from '../../harness/wat-commands.ts';
import { documentSchema } from '../openapi-contract.ts';
import { AnswerJudge } from './answer-judge.ts';
import { type FuzzMaterial, type FuzzRequest, fuzzRequest } from './fuzz-request.ts';

const LANES = 4;
/** A publish on a busy machine; everything else takes milliseconds. */
const PATIENCE_MS = 120_000;

export interface FuzzOptions {
  readonly seed: number;
  /** The first request; later ones count on. */
  readonly first: number;
  /** Whether to send another one, after so many. */
  readonly goesOn: (sent: number) => boolean;
  readonly onFailure: (index: number, what: string, request: FuzzRequest) => void;
  /** Called now and then, with the resident memory of the host in bytes. */
  readonly onProgress?: (sent: number, outcomes: Readonly<Record<string, number>>, rssBytes: number) => void;
}

export interface FuzzOutcome {
  readonly sent: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** What the host said on standard error: nothing, if all is well. */
  readonly complaints: readonly string[];
}

const PROGRESS_EVERY = 250;

export async function fuzzHttp(options: FuzzOptions): Promise<FuzzOutcome> {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-fuzz-http-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const host = resources.use(await startHost(folder));
  const material = await materialOf(host);
  const judge = new AnswerJudge(material.document);
  const port = Number(new URL(host.origin).port);
  const outcomes: Record<string, number> = {};
  let [next, sent] = [options.first, 0];
  const lane = async (): Promise<void> => {
    while (options.goesOn(next - options.first)) {
      const index = next++;
      const request = fuzzRequest(options.seed, index, material);
      const { breach, outcome } = judge.judge(request, await answerTo(port, request));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (breach !== undefined) options.onFailure(index, breach, request);
      if (++sent % PROGRESS_EVERY === 0) options.onProgress?.(sent, outcomes, residentBytes(host.pid));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { sent, outcomes, complaints: host.errorLines };
}

function startHost(folder: string): Promise<HostProcess> {
  return HostProcess.ready(folder, {
    MAYFLY_EXAMPLES: '0',
    MAYFLY_SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
  });
}

async function materialOf(host: HostProcess): Promise<FuzzMaterial> {
  const { text } = await host.request('/openapi.json');
  const results = ['i32.const 0', 'i32.const 1', 'unreachable'];
  const uploads = await Promise.all(
    results.map((result) => parse(plainCommand(`(func (export "run") (result i32) (${result}))`))),
  );
  await host.publish('small', uploads[0]!);
  return { document: documentSchema.parse(JSON.parse(text)), operatorKey: await host.adminKey(), uploads };
}

async function answerTo(port: number, { bytes }: FuzzRequest): Promise<string> {
  const connection = await RawConnection.open(port);
  const timer = setTimeout(() => connection.destroy(), PATIENCE_MS);
  void connection.send(bytes);
  const received = await connection.closed();
  clearTimeout(timer);
  return received;
}
