import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const CHILD = fileURLToPath(new URL('crash/publish-until-killed.ts', import.meta.url));
const acme = tenantNamed('acme');
const hello = functionNamed('hello');

/** Kills the child with SIGKILL once it has said `lines` numbers; returns the last one it managed to say. */
async function lastAcknowledged(path: string, start: number, lines: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path, `${start}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let last = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (++seen === lines) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself: ${signal}`);
  return last;
}

test('after kill -9 the registry opens, and the last acknowledged publish is live', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-crash-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  let published = 0;
  for (const lines of [1, 7, 20, 3, 50]) {
    const acknowledged = await lastAcknowledged(path, published, lines);
    using registry = new Registry({ path });
    const live = registry.functions.live(acme, hello);
    // One more may have been committed whose acknowledgement died with the process.
    t.true(
      live?.version === acknowledged || live?.version === acknowledged + 1,
      `${live?.version}, ${acknowledged}`,
    );
    const versions = registry.functions.versions(acme, hello);
    t.is<number | undefined, number | undefined>(versions.length, live?.version);
    t.is(versions[0]?.artifactKey, publicationOf(acme, hello, `${versions.length - 1}`).artifactKey);
    published = versions.length;
  }
});
