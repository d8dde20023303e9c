/** What a request that fails its schema is told: the first offending field, why, and what was meant perhaps. */
import type { z } from '@hono/zod-openapi';
import { MayflyError } from '../errors/errors.ts';
import { FUNCTION_LIMITS, type FunctionLimitName, type FunctionLimitValues } from '../limits/limits.ts';
import { nearest } from '../nearest-name.ts';
import { aboveCeiling } from '../store/ceilings.ts';

type Issue = z.core.$ZodIssue;

/** Longer keys are cut before they are compared with known ones: the comparison is quadratic. */
const COMPARED_CHARACTERS = 64;

/** `invalid_request` for a failed parse; `knownKeys` are the keys of the object that was parsed. */
export function invalidRequest(error: z.ZodError, knownKeys: readonly string[] = []): MayflyError {
  const issue = error.issues[0];
  if (!issue) return new MayflyError('invalid_request', 'The request is not valid.');
  if (issue.code === 'unrecognized_keys') return unknownKey(issue.keys[0] ?? '', issue.path, knownKeys);
  const field = fieldOf(issue.path);
  const detail = field === '' ? `${reasonOf(issue)}.` : `${field}: ${reasonOf(issue)}.`;
  return new MayflyError('invalid_request', detail, { field: field === '' ? 'body' : field });
}

/** As {@link invalidRequest}, but a setting beyond what any host allows is above this operator's ceiling as well. */
export function invalidConfiguration(
  error: z.ZodError,
  ceilings: FunctionLimitValues,
  knownKeys: readonly string[],
): MayflyError {
  const issue = error.issues[0];
  const name = issue?.path[0];
  if (issue?.code === 'too_big' && isLimitName(name)) return aboveCeiling(name, ceilings);
  return invalidRequest(error, knownKeys);
}

function unknownKey(key: string, path: readonly PropertyKey[], knownKeys: readonly string[]): MayflyError {
  const shown = key.slice(0, COMPARED_CHARACTERS);
  const field = fieldOf([...path, shown]);
  const known = path.length === 0 ? knownKeys : [];
  const hint = known.length > 0 ? `; did you mean ${nearest(shown, known)}?` : '.';
  return new MayflyError('invalid_request', `${field} is not known here${hint}`, { field });
}

function isLimitName(name: PropertyKey | undefined): name is FunctionLimitName {
  return typeof name === 'string' && Object.hasOwn(FUNCTION_LIMITS, name);
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map((part) => String(part).slice(0, COMPARED_CHARACTERS)).join('.');
}

/** zod's message without its capital and, for a key, of the reason inside. */
function reasonOf(issue: Issue): string {
  const inner = issue.code === 'invalid_key' ? issue.issues[0] : undefined;
  const { message } = inner ?? issue;
  return message.charAt(0).toLowerCase() + message.slice(1);
}
