/**
 * The second argument of a handler. The host is asked for the variables when one of them is: most handlers look at
 * none. One object serves every invocation, as an instance has one environment for good.
 */
import { getEnvironment } from 'wasi:cli/environment@0.2.12';

export type Environment = Readonly<Record<string, string>>;

const variables: Record<string, string> = {};

/** Its traps take themselves away once the variables are there; from then on the proxy hands everything through. */
const traps: ProxyHandler<Record<string, string>> = {};
for (const name of [
  'get',
  'has',
  'ownKeys',
  'getOwnPropertyDescriptor',
  'set',
  'defineProperty',
  'deleteProperty',
  'preventExtensions',
] as const) {
  const forward = Reflect[name] as (...values: unknown[]) => unknown;
  traps[name] = (...values: unknown[]): never => {
    for (const trap of Object.keys(traps)) delete traps[trap as typeof name];
    Object.assign(variables, Object.fromEntries(getEnvironment()));
    return forward(...values) as never;
  };
}

export const environment: Environment = new Proxy(variables, traps);
