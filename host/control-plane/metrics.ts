/**
 * `GET /metrics` for Prometheus, of the whole process whichever thread is asked. It takes a bearer token, which is what Prometheus can
 * send: one of its own, so that a scraper need not hold the operator's key, or that key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createRoute } from '@hono/zod-openapi';
import { MayflyError } from '../errors.ts';
import { EXPOSITION_TYPES, type ExpositionFormat } from '../metering/telemetry/exposition-format.ts';
import { bearerKey } from './authentication.ts';
import type { ControlPlanePorts } from './ports.ts';
import { type ControlPlaneApp, problems } from './route-parts.ts';
import { needs } from './scopes.ts';

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'scrapeMetrics',
  security: needs('operator'),
  summary: 'Metrics for Prometheus',
  description: "With the operator's key, or the token in MAYFLY_METRICS_TOKEN. `Accept` chooses the format.",
  tags: ['Host'],
  responses: {
    200: {
      description: "Prometheus' text format 0.0.4, or OpenMetrics 1.0 with exemplars.",
      content: {
        'text/plain': { schema: { type: 'string' as const } },
        'application/openmetrics-text': { schema: { type: 'string' as const } },
      },
    },
    ...problems('unauthenticated', 'forbidden', 'internal_error'),
  },
});

export function registerMetricsRoutes(
  app: ControlPlaneApp,
  { backend, authenticate, scrapeToken }: ControlPlanePorts,
): void {
  const token = scrapeToken === undefined ? undefined : digestOf(scrapeToken);
  app.openapi(metricsRoute, async (c) => {
    const authorization = c.req.header('authorization');
    const given = bearerKey(authorization);
    const isScraper = token !== undefined && given !== undefined && timingSafeEqual(digestOf(given), token);
    if (!isScraper) {
      const principal = await authenticate(authorization);
      if (principal === undefined)
        throw new MayflyError('unauthenticated', 'The request carries no token for metrics.');
      if (principal.kind !== 'operator')
        throw new MayflyError('forbidden', "This takes the operator's key or the token for metrics.");
    }
    const format: ExpositionFormat = c.req.header('accept')?.includes('application/openmetrics-text')
      ? 'openmetrics'
      : 'text';
    const headers = { 'content-type': EXPOSITION_TYPES[format], 'cache-control': 'no-store' };
    return c.body(await backend.scrape({ format }), 200, headers) as never;
  });
}

/** All of one length, so that comparing them tells nothing of it. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
