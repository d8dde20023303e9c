const SQLITE_FULL = 13;

/** Whether a file could not be written for want of room; a quota of the file system is the same to whoever has to mend it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  return errcode === SQLITE_FULL || code === 'ENOSPC' || code === 'EDQUOT';
}
