/** Where in the author's sources a build failed. Lines and columns count from 1. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A function's source cannot be built, for a reason that its author can mend. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
  readonly location: SourceLocation | undefined;
  /** The offending lines, ready to print; empty where there are none. */
  readonly frame: string;

  constructor(
    reason: string,
    options: { location?: SourceLocation | undefined; frame?: string; cause?: unknown } = {},
  ) {
    const { location, cause } = options;
    const where = location === undefined ? '' : `${location.file}:${location.line}:${location.column}: `;
    super(`${where}${reason}`, cause === undefined ? undefined : { cause });
    this.location = location;
    this.frame = options.frame ?? '';
  }
}
