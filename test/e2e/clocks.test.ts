/** What guests see of time: steps of a millisecond, unless the operator trusts their tenant with more. */
import test from 'ava';
import { cCommand } from '../harness/guests.ts';
import { lateField, startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';

/** The resolution of both clocks, and how many readings of each were no multiple of a millisecond. */
const CLOCK_READER = `
#include <stdio.h>
#include <time.h>
int main(void) {
  printf("Content-Type: text/plain\\n\\n");
  clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
  for (int c = 0; c < 2; c++) {
    struct timespec resolution, now;
    clock_getres(clocks[c], &resolution);
    int fine = 0;
    for (int i = 0; i < 100; i++) {
      clock_gettime(clocks[c], &now);
      if (now.tv_nsec % 1000000 != 0) fine++;
    }
    printf("%ld %d\\n", resolution.tv_nsec, fine > 0);
  }
  return 0;
}
`;

let host: TestHost;
let operator: Operator;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  operator = new Operator(host);
  await operator.tenant('acme');
  await operator.deploy('acme', 'reader', await cCommand(CLOCK_READER));
});
test.after.always(() => host.dispose());

test.serial('a tenant sees steps of a millisecond on both clocks, and is told so', async (t) => {
  const answer = await operator.call('acme', 'reader');
  t.is(answer.text, '1000000 0\n1000000 0\n');
  t.regex(lateField(answer, 'server-timing'), /^queue;dur=\d+, init;dur=\d+, exec;dur=\d+$/);
});

test.serial('one that is trusted sees the monotonic clock as it is, from the next request on', async (t) => {
  const { status, json } = await operator.api('PATCH', '/tenants/acme/settings', { clock: 'fine' });
  t.is(status, 200);
  t.is(json.settings.clock, 'fine');
  const answer = await operator.call('acme', 'reader');
  t.is(answer.text, '1 1\n1000000 0\n');
  t.regex(lateField(answer, 'server-timing'), /exec;dur=\d+\.\d{3}$/);
});

test.serial("the operator's own tenant is trusted when the host makes it", async (t) => {
  t.is((await operator.api('GET', '/tenants/default')).json.settings.clock, 'fine');
});
