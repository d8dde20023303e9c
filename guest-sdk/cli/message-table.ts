import type { MessageJson } from '../../host/control-plane/queue-schemas.ts';
import { table } from './terminal.ts';

/** What fits beside the other columns; `--json` has all of it. */
const BODY_CHARACTERS = 60;

export function messageTable(messages: readonly MessageJson[]): string {
  if (messages.length === 0) return 'no messages';
  const withCause = messages.some(({ cause, lastCause }) => cause ?? lastCause);
  return table(
    ['ID', 'SENT', 'ATTEMPTS', ...(withCause ? ['CAUSE'] : []), 'BODY'],
    messages.map(({ id, sentAt, attempts, cause, lastCause, body, bodyBase64 }) => [
      id,
      sentAt,
      String(attempts),
      ...(withCause ? [(cause ?? lastCause)?.code ?? ''] : []),
      shorten(body ?? `${Buffer.from(bodyBase64 ?? '', 'base64').length} bytes`),
    ]),
  );
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > BODY_CHARACTERS ? `${line.slice(0, BODY_CHARACTERS - 1)}…` : line;
}
