import type { UsageCursor, UsagePage } from '../metering/usage-pages.ts';
import type { UsageRowJson } from './usage-schemas.ts';
import { csvHead, csvLine } from './usage-views.ts';

export const CSV_MEDIA_TYPE = 'text/csv; charset=utf-8';

/**
 * A range of any length as text, a page at a time: nothing is read before the connection asks for it, so that a slow reader costs
 * a page. The ledger may grow and be trimmed meanwhile; a row is in it once or not at all.
 */
export function exportStream(
  format: 'csv' | 'jsonl',
  first: UsagePage<UsageRowJson>,
  next: (after: UsageCursor) => Promise<UsagePage<UsageRowJson>>,
): ReadableStream<Uint8Array> {
  let page: UsagePage<UsageRowJson> | undefined = first;
  let isHeadDue = format === 'csv';
  const textOf = (row: UsageRowJson): string => {
    if (format === 'jsonl') return `${JSON.stringify(row)}\n`;
    const head = isHeadDue ? csvHead(row) : '';
    isHeadDue = false;
    return head + csvLine(row);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // An empty chunk asks for no more: a page without rows is the last one.
        if (page === undefined || page.rows.length === 0) {
          controller.close();
          return;
        }
        controller.enqueue(Buffer.from(page.rows.map(textOf).join('')));
        page = page.next === undefined ? undefined : await next(page.next);
      },
    },
    { highWaterMark: 0 },
  );
}
