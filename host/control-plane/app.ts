/**
 * The control plane: tenants' functions over HTTP. Every serving thread has one; what they change they change
 * through the backend of the main thread.
 *
 * It answers every path it is asked for, so mount it last: unknown routes, wrong methods and thrown errors end
 * as problem details as well.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { MayflyError } from '../errors/errors.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import { registerAuditRoutes } from './audit.ts';
import { actorOf, type Principal, refusalOf } from './authentication.ts';
import { registerBackupRoutes } from './backups.ts';
import { registerBillingRoutes } from './billing.ts';
import { registerBudgetRoutes } from './budgets.ts';
import { registerConfigurationRoutes } from './configuration.ts';
import { registerDeadLetterRoutes } from './dead-letters.ts';
import { registerFunctionEventRoutes } from './function-events.ts';
import { registerFunctionRoutes } from './functions.ts';
import { registerHealthRoutes } from './health.ts';
import { registerIdentityRoutes } from './identity.ts';
import { registerIngressRoutes } from './ingress.ts';
import { registerInvocationRoutes } from './invocations.ts';
import { boundedJsonBody } from './json-body.ts';
import { registerKeyRoutes } from './keys.ts';
import { registerLatencyRoutes } from './latencies.ts';
import { registerLogRoutes } from './logs.ts';
import { registerMappingRoutes } from './mappings.ts';
import { registerMessageRoutes } from './messages.ts';
import { registerMetricsRoutes } from './metrics.ts';
import { openApiDocument } from './openapi-document.ts';
import type { ControlPlanePorts } from './ports.ts';
import { expectedError, problemResponse } from './problem.ts';
import { registerQuarantineRoutes } from './quarantine.ts';
import { registerQueueRoutes } from './queues.ts';
import { registerQuotaRoutes } from './quotas.ts';
import { registerRemeteringRoutes } from './remetering.ts';
import {
  type ControlPlaneApp,
  type ControlPlaneEnv,
  refuseInvalid,
  refuseWhenDraining,
} from './route-parts.ts';
import { RouteTable } from './route-table.ts';
import { registerScheduleRoutes } from './schedules.ts';
import { registerSecretRoutes } from './secrets.ts';
import { registerTenantRoutes } from './tenants.ts';
import { registerUsageRoutes } from './usage.ts';
import { registerVersionRoutes } from './versions.ts';

/** Methods that change nothing (RFC 9110 section 9.2.1): a host that drains still answers them. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createControlPlane(ports: ControlPlanePorts): ControlPlaneApp {
  const app: ControlPlaneApp = new OpenAPIHono<ControlPlaneEnv>({
    defaultHook: refuseInvalid(),
  });

  // Routes come after what guards them; the table is complete before the first request.
  app.use(
    '/v1/*',
    guarded(ports, () => table),
  );

  registerTenantRoutes(app, ports);
  registerQuotaRoutes(app, ports);
  registerQuarantineRoutes(app, ports);
  registerUsageRoutes(app, ports);
  registerLatencyRoutes(app, ports);
  registerBillingRoutes(app, ports);
  registerBudgetRoutes(app, ports);
  registerKeyRoutes(app, ports);
  registerIdentityRoutes(app, ports);
  registerAuditRoutes(app, ports);
  registerFunctionRoutes(app, ports);
  registerVersionRoutes(app, ports);
  registerConfigurationRoutes(app, ports);
  registerSecretRoutes(app, ports);
  registerInvocationRoutes(app, ports);
  registerLogRoutes(app, ports);
  registerFunctionEventRoutes(app, ports);
  registerQueueRoutes(app, ports);
  registerMessageRoutes(app, ports);
  registerDeadLetterRoutes(app, ports);
  registerIngressRoutes(app, ports);
  registerMappingRoutes(app, ports);
  registerScheduleRoutes(app, ports);
  registerMetricsRoutes(app, ports);
  registerBackupRoutes(app, ports);
  registerRemeteringRoutes(app, ports);
  let document: ReturnType<typeof openApiDocument> | undefined;
  registerHealthRoutes(app, ports, () => {
    document ??= openApiDocument(app);
    return document;
  });

  const table = new RouteTable(app);
  // A route rather than Hono's `notFound`, which would be lost where this app is mounted in another one.
  app.all('*', (c) => unmatched(table, c.req.path));

  app.onError((error, c) => {
    const expected = expectedError(error);
    if (!expected) ports.report(`${c.req.method} ${shorten(c.req.path)} failed`, error);
    return problemResponse(expected ?? error);
  });

  return app;
}

const TENANT_IN_PATH = /^\/v1\/tenants\/([^/]+)/;

/**
 * The one way into a route below /v1, from cheap to dear: who it is, what is asked for, whether that one may; and
 * nothing of a body is read for a caller who may not. A body may take minutes: when it is here, the key is looked at again, or
 * one that was revoked meanwhile could have made another.
 */
function guarded(ports: ControlPlanePorts, table: () => RouteTable) {
  const readJson = boundedJsonBody(ports.jsonBodyBytes ?? HOST_LIMITS.jsonBodyBytes);
  return createMiddleware<ControlPlaneEnv>(async (c, next) => {
    const principal = await identified(ports, c.req.header('authorization'));
    const route = table().find(c.req.method, c.req.path);
    if (route?.need === undefined) return unmatched(table(), c.req.path);
    // Hono has decoded the path once; a segment that would decode further is no valid name, and is no tenant's.
    const refusal = refusalOf(principal, route.need, TENANT_IN_PATH.exec(c.req.path)?.[1]);
    if (refusal !== undefined) throw new MayflyError('forbidden', refusal);
    if (!SAFE_METHODS.has(c.req.method)) refuseWhenDraining(ports.draining);
    c.set('principal', principal);
    c.set('actor', actorOf(principal, c.env.incoming.socket.remoteAddress));
    const requireKey = async (): Promise<void> =>
      void (await identified(ports, c.req.header('authorization')));
    c.set('requireKey', requireKey);
    if (!route.takesJson) return next();
    return readJson(c, async () => {
      await requireKey();
      await next();
    });
  });
}

/** @throws MayflyError unauthenticated */
async function identified(
  { authenticate }: ControlPlanePorts,
  authorization: string | undefined,
): Promise<Principal> {
  const principal = await authenticate(authorization);
  if (!principal) throw new MayflyError('unauthenticated', 'The request carries no valid API key.');
  return principal;
}

function unmatched(table: RouteTable, path: string): Response {
  const allowed = table.allowed(path);
  if (allowed.length === 0) {
    return problemResponse(new MayflyError('route_not_found', `There is no route ${shorten(path)}.`));
  }
  const error = new MayflyError('method_not_allowed', `This route takes ${allowed.join(', ')}.`);
  return problemResponse(error, { allow: allowed.join(', ') });
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
