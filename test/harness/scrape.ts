/** What Prometheus would read of a host. */
import { parseExposition, type Sample } from '../metering/telemetry/exposition-parser.ts';
import type { TestHost } from './host.ts';

/** Given to a host as `MAYFLY_METRICS_TOKEN`. */
export const SCRAPE_TOKEN = 'token-for-scrapers-0123';

export async function scrape(host: TestHost, accept = 'text/plain'): Promise<Sample[]> {
  const headers = { authorization: `Bearer ${SCRAPE_TOKEN}`, accept };
  const answer = await host.request('/metrics', { headers });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return parseExposition(answer.text);
}

/** Of the samples of a metric that have these labels. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
