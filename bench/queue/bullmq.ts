/** BullMQ, the queue on Redis that Node programs use most: a worker in a process of its own, with a processor that does nothing. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { BullRound, BullRoundResult } from './bullmq-process.ts';

const run = promisify(execFile);

const PACKAGES = { bullmq: '6.7.0', ioredis: '6.0.0' };
const PROCESS = fileURLToPath(new URL('./bullmq-process.ts', import.meta.url));

/** Into a folder of its own, once. Gives the address of its module. */
async function install(folder: string): Promise<string> {
  const installed = join(folder, 'node_modules/bullmq/package.json');
  if (!existsSync(installed)) {
    await mkdir(folder, { recursive: true });
    const manifest = { private: true, type: 'module', dependencies: PACKAGES };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    // Without the optional native extension of msgpackr, which npm would build here: V8 runs its JavaScript.
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
  }
  const entry = join(folder, 'entry.mjs');
  await writeFile(entry, "export { Queue, Worker } from 'bullmq';\n");
  return pathToFileURL(entry).href;
}

export class BullMq implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(folder: string, redisPort: number): Promise<BullMq> {
    const module = await install(folder);
    const child = fork(PROCESS, [module, String(redisPort)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return new BullMq(child);
  }

  /** Jobs that lie there already are processed by a worker that does nothing with each. */
  async round(round: BullRound): Promise<BullRoundResult> {
    this.#child.send(round);
    const [result] = (await once(this.#child, 'message')) as [BullRoundResult];
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
