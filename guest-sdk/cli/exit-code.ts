import type { ProblemDetails } from '../../host/errors/errors.ts';

/** What the command line ends with: part of its interface, shown by `--help`. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done' },
  failed: { code: 1, meaning: 'failed: an error of the host or of this command' },
  usage: { code: 2, meaning: 'the command line, a file or the source to build is not right' },
  notFound: { code: 3, meaning: 'no such tenant, function, queue or whatever else was named' },
  refused: { code: 4, meaning: 'the host refused the request' },
  functionFailed: { code: 5, meaning: 'the function failed, or answered with a status of 400 or more' },
  unavailable: { code: 6, meaning: 'the host cannot be reached or is busy: try again' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

export function exitTable(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return `Exit codes:\n${rows.join('\n')}`;
}

/** What a problem of the host means for a script. */
export function exitOf(problem: Pick<ProblemDetails, 'code' | 'fault' | 'status' | 'retryable'>): ExitName {
  if (problem.retryable && (problem.status === 429 || problem.status === 503)) return 'unavailable';
  if (
    /^(?:tenant|function|version|key|secret|budget|prices|queue|mapping|schedule|signing_secret|backup)_not_found$/.test(
      problem.code,
    )
  )
    return 'notFound';
  if (problem.fault === 'caller') return 'refused';
  return problem.fault === 'function' ? 'functionFailed' : 'failed';
}

/** Ends the command with a message for people and a code for scripts. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit: ExitName;
  /** The host's own account, for `--json`. */
  readonly problem: ProblemDetails | undefined;

  constructor(exit: ExitName, message: string, options: { problem?: ProblemDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exit = exit;
    this.problem = options.problem;
  }
}
