/** Commands of the command line against a host that answers what a test has it answer. */
import type { ExecutionContext } from 'ava';
import { FakeHost, KEY } from './fake-host.ts';
import { type Finished, mayfly, type RunOptions } from './run-mayfly.ts';

export async function hostOf(t: ExecutionContext): Promise<FakeHost> {
  const host = await FakeHost.start();
  t.teardown(() => host[Symbol.asyncDispose]());
  return host;
}

export function against(
  host: FakeHost,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return mayfly(args, { ...options, env: { MAYFLY_URL: host.url, MAYFLY_KEY: KEY, ...options.env } });
}
