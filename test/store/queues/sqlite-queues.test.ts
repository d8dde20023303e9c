import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SqliteQueues } from '../../../host/store/queues/sqlite-queues.ts';
import { engineConformance } from './conformance/engine-conformance.ts';
import { auditQueues } from './sqlite-audit.ts';
import { VirtualClock } from './virtual-clock.ts';

engineConformance(test, async (options = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-queues-'));
  const clock = new VirtualClock();
  const { now, setTimer } = clock;
  const engine = new SqliteQueues({ path: join(folder, 'queues.db'), now, setTimer, ...options });
  return {
    engine,
    now,
    advance: (ms) => clock.advance(ms),
    stepMs: 1_000,
    operations: 3_000,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      const complaints = auditQueues(join(folder, 'queues.db'));
      rmSync(folder, { recursive: true });
      if (complaints.length > 0) throw new Error(complaints.join('\n'));
    },
  };
});
