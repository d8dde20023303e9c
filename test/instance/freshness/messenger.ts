/** The guest of `messenger.wat`, and every way in which it may end. */
import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { ErrorCode } from '../../../host/errors/errors.ts';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import type { FunctionConfiguration } from '../../../host/model/function-configuration.ts';
import { artifactOf } from '../../harness/artifact.ts';
import { OpenBody, type Running, type Seen, type Serving } from './serving.ts';

type Change = readonly [what: string, byWhat: string];

/** The text of a component, with what some of it is replaced by. */
export async function messengerText(...changes: readonly Change[]): Promise<string> {
  let text = await readFile(new URL('messenger.wat', import.meta.url), 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`messenger.wat has no ${from}`);
    text = text.replace(from, to);
  }
  return text;
}

export async function messengerGuest(...changes: readonly Change[]): Promise<LoadedArtifact> {
  return artifactOf(await parse(await messengerText(...changes)));
}

/** Fuel for little more than the endless loop's first slices; memory for growth within the headroom alone. */
export const SETTINGS: Partial<FunctionConfiguration> = {
  fuel: 5_000_000,
  memoryBytes: 2 ** 20,
  tableEntries: 1_000,
};

export interface Ending {
  readonly how: string;
  readonly failure?: ErrorCode;
  /** The caller goes away, or time is up, when the guest has answered and does nothing any more. */
  readonly isCutOff?: boolean;
  /** Nobody reads what it answers. */
  readonly isUnread?: boolean;
  /** The instance cannot be put back. */
  readonly losesSlot?: boolean;
  /** How deep a stack may be depends on how far its code is optimised. */
  readonly hasVagueFuel?: boolean;
}

export const RETURN: Ending = { how: 'r' };

export const ENDINGS: Readonly<Record<string, Ending>> = {
  'a return': RETURN,
  'an error case': { how: 'e', failure: 'function_failed' },
  'an exit': { how: 'x' },
  'an exit with an error': { how: 'X', failure: 'function_failed' },
  'a caught exit': { how: 'C', failure: 'function_failed' },
  'a trap': { how: 't', failure: 'function_trapped' },
  'a trap amid writing': { how: 'w', failure: 'function_trapped' },
  'a trap in realloc': { how: 'a', failure: 'function_trapped' },
  'a trap in post-return': { how: 'p', failure: 'function_trapped' },
  'a trap for want of backpressure': { how: 'd', failure: 'function_trapped' },
  'exhausted fuel': { how: 'f', failure: 'fuel_exhausted' },
  'an exhausted stack': { how: 'o', failure: 'stack_overflow', hasVagueFuel: true },
  'the cap on memory': { how: 'm', failure: 'memory_exceeded' },
  'the cap on tables': { how: 'u', failure: 'table_exceeded' },
  'a grown table': { how: 'T', losesSlot: true },
  'time that is up': { how: 's', failure: 'timed_out', isCutOff: true },
  'time that is up, which the guest catches': { how: 'c', failure: 'timed_out', isCutOff: true },
  'a caller who hangs up half-way through the request': { how: 'R', failure: 'timed_out', isCutOff: true },
  'a caller who hangs up half-way through the answer': {
    how: 'W',
    failure: 'timed_out',
    isCutOff: true,
    isUnread: true,
  },
  'a read in flight': { how: 'B' },
};

/** One invocation that ends that way. */
export async function endBy(serving: Serving, ending: Ending): Promise<Seen> {
  const body = new OpenBody(ending.how === 'a' ? 'aa' : ending.how);
  const running = serving.start({ body }, ending.isUnread);
  if (ending.isCutOff) {
    await parked(running, ending.isUnread);
    running.invocation.cancel('timed_out', 'no more');
  }
  return running.seen();
}

/**
 * Until the guest waits for something that does not come: it uses no fuel for some turns.
 * @param isSilent it has no answer before that
 */
export async function parked({ exchange, invocation }: Running, isSilent = false): Promise<void> {
  let fuel = 0;
  for (let still = 0; still < 5; ) {
    await new Promise(setImmediate);
    const hasBegun = isSilent ? invocation.fuel > 0 : exchange.status !== undefined;
    still = hasBegun && invocation.fuel === fuel ? still + 1 : 0;
    fuel = invocation.fuel;
  }
}
