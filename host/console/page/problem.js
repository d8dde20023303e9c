/** What went wrong: problem details (RFC 9457) of the host, and what the browser has to say where there are none. */

export class Problem extends Error {
  /**
   * @param {{ code: string, detail: string, mend: string, status: number }} details
   */
  constructor({ code, detail, mend, status }) {
    super(detail);
    this.code = code;
    this.mend = mend;
    this.status = status;
  }
}

const UNREACHABLE = {
  code: 'unreachable',
  detail: 'The host does not answer.',
  mend: 'See whether it still runs (`npm start`), and whether this machine can reach it.',
  status: 0,
};

/** @param {unknown} cause */
export function problemOf(cause) {
  if (cause instanceof Problem) return cause;
  if (cause instanceof TypeError && /fetch|network|load/i.test(cause.message))
    return new Problem(UNREACHABLE);
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Problem({
    code: 'console_fault',
    detail,
    mend: 'Reload the page; report it if it stays.',
    status: 0,
  });
}

/**
 * @param {number} status
 * @param {string} text
 */
export function problemFrom(status, text) {
  if (status === 0) return new Problem(UNREACHABLE);
  try {
    const { code, detail, mend } = JSON.parse(text);
    if (typeof code === 'string') return new Problem({ code, detail, mend, status });
  } catch {
    // Not ours: a proxy's page, perhaps.
  }
  return new Problem({
    code: `http_${status}`,
    detail: text.slice(0, 300) || `The answer has status ${status} and no body.`,
    mend: 'Look at what is between this browser and the host.',
    status,
  });
}
