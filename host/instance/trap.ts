import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { FuelAccount } from './fuel-account.ts';
import type { SpaceAccount } from './space-account.ts';

/** Why an invocation did not return: a code of errors.ts, and what its log says about it. */
export interface Failure {
  readonly code: ErrorCode;
  /** For the caller: one line, nothing but the guest's own words. */
  readonly detail: string;
  /** For the function's log: with the guest's stack. */
  readonly log: string;
}

interface Accounts {
  readonly fuel: FuelAccount;
  readonly memory: SpaceAccount;
  readonly tables: SpaceAccount;
}

/** Longest message of a guest that is repeated to callers and logs. */
const MESSAGE_LENGTH = 500;

/**
 * What an error out of the guest means. V8 has one error type for all traps, so the accounts decide first: a
 * guest that was refused memory and then aborts has run out of memory, whatever its abort says.
 *
 * @param accounts undefined where its turn had not come
 * @param lacksObjectSpace whether the thread had no room for the guest's structs and arrays
 */
export function classifyTrap(
  error: unknown,
  accounts: Accounts | undefined,
  lacksObjectSpace = false,
): Failure {
  const { fuel, memory, tables } = accounts ?? {};
  if (fuel?.exhausted) {
    return failure(
      'fuel_exhausted',
      `All ${fuel.budget} units of fuel of this invocation are used up.`,
      error,
    );
  }
  if (error instanceof MayflyError) return failure(error.code, error.message, undefined);
  if (isStackOverflow(error)) return failure('stack_overflow', "The guest's call stack is exhausted.", error);
  const message = messageOf(error);
  if (lacksObjectSpace) {
    return failure('object_space_full', "The thread's room for objects of guests is used up.", error);
  }
  if (memory?.refused) {
    return failure(
      'memory_exceeded',
      `Memory is capped at ${memory.cap} bytes. The guest ended with: ${message}`,
      error,
    );
  }
  if (tables?.refused) {
    return failure(
      'table_exceeded',
      `Tables are capped at ${tables.cap} entries. The guest ended with: ${message}`,
      error,
    );
  }
  return failure('function_trapped', message, error);
}

/** V8 reports exhausted stacks, the main one and those of JSPI alike, as this RangeError. */
function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack size');
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : `The guest threw ${typeof error}.`;
  return message.slice(0, MESSAGE_LENGTH);
}

function failure(code: ErrorCode, detail: string, error: unknown): Failure {
  const stack = error instanceof Error ? guestFrames(error.stack ?? '') : '';
  return { code, detail, log: stack === '' ? detail : `${detail}\n${stack}` };
}

/** The Wasm frames of a stack: function names and offsets are the guest's; host frames and paths are not its business. */
function guestFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => line.includes('wasm://') || line.includes('wasm-function'))
    .slice(0, 20)
    .map((line) => line.replace(/wasm:\/\/wasm\/(?:[^:)]*-)?([0-9a-f]+):/, '$1:'))
    .join('\n');
}

/** What the glue throws for the error case of a `result`: its payload wrapped, or nothing for `result<_, _>`. */
export function isErrorResult(error: unknown): boolean {
  return error === undefined || (typeof error === 'object' && error !== null && 'payload' in error);
}
