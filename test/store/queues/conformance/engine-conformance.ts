/**
 * What every engine of queues holds, as tests: the invariants of `host/store/queues/queue-engine.ts`, one behaviour each. Run from a test file
 * of the engine: `engineConformance(test, makeHarness)`.
 */
import { claimingTests } from './claiming.ts';
import { deadLetterTests } from './dead-letters.ts';
import { deduplicationTests } from './deduplication.ts';
import { groupTests } from './groups.ts';
import type { MakeHarness, Test } from './harness.ts';
import { interleavingTests } from './interleavings.ts';
import { sendingTests } from './sending.ts';
import { severalClaimsTests } from './several-claims.ts';
import { wakeUpTests } from './wake-ups.ts';

export function engineConformance(test: Test, make: MakeHarness): void {
  sendingTests(test, make);
  claimingTests(test, make);
  severalClaimsTests(test, make);
  groupTests(test, make);
  deadLetterTests(test, make);
  deduplicationTests(test, make);
  wakeUpTests(test, make);
  interleavingTests(test, make);
}
