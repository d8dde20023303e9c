/**
 * The control plane: tenants' functions over HTTP. Every serving thread has one; what they change they change
 * through the backend of the main thread.
 *
 * It answers every path it is asked for, so mount it last: unknown routes, wrong methods and thrown errors end
 * as problem details as well.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { MayflyError } from '../errors.ts';
import { HOST_LIMITS } from '../limits.ts';
import { mayAccess } from './authentication.ts';
import { registerConfigurationRoutes } from './configuration.ts';
import { registerFunctionRoutes } from './functions.ts';
import { registerHealthRoutes } from './health.ts';
import { registerInvocationRoutes } from './invocations.ts';
import { boundedJsonBody } from './json-body.ts';
import { registerLogRoutes } from './logs.ts';
import { MethodTable } from './method-table.ts';
import { openApiDocument } from './openapi-document.ts';
import type { ControlPlanePorts } from './ports.ts';
import { expectedError, problemResponse } from './problem.ts';
import {
  type ControlPlaneApp,
  type ControlPlaneBindings,
  refuseInvalid,
  refuseWhenDraining,
} from './route-parts.ts';
import { registerVersionRoutes } from './versions.ts';

/** Methods that change nothing (RFC 9110 section 9.2.1): a host that drains still answers them. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createControlPlane(ports: ControlPlanePorts): ControlPlaneApp {
  const app: ControlPlaneApp = new OpenAPIHono<{ Bindings: ControlPlaneBindings }>({
    defaultHook: refuseInvalid(),
  });

  const jsonBodyBytes = ports.jsonBodyBytes ?? HOST_LIMITS.jsonBodyBytes;

  // From cheap to dear, and nothing of a body is read for a caller without a key.
  app.use('/v1/*', authenticated(ports));
  app.use('/v1/*', admitting(ports));
  for (const [method, path] of JSON_ROUTES) app.on(method, path, boundedJsonBody(jsonBodyBytes));

  registerFunctionRoutes(app, ports);
  registerVersionRoutes(app, ports);
  registerConfigurationRoutes(app, ports);
  registerInvocationRoutes(app, ports);
  registerLogRoutes(app, ports);
  let document: ReturnType<typeof openApiDocument> | undefined;
  registerHealthRoutes(app, ports, () => {
    document ??= openApiDocument(app);
    return document;
  });

  const methods = new MethodTable(app);
  // A route rather than Hono's `notFound`, which would be lost where this app is mounted in another one.
  app.all('*', (c) => {
    const allowed = methods.allowed(c.req.path);
    if (allowed.length === 0) {
      return problemResponse(new MayflyError('route_not_found', `There is no route ${shorten(c.req.path)}.`));
    }
    const error = new MayflyError('method_not_allowed', `This route takes ${allowed.join(', ')}.`);
    return problemResponse(error, { allow: allowed.join(', ') });
  });

  app.onError((error, c) => {
    const expected = expectedError(error);
    if (!expected) ports.report(`${c.req.method} ${shorten(c.req.path)} failed`, error);
    return problemResponse(expected ?? error);
  });

  return app;
}

/** Routes that take JSON. */
const JSON_ROUTES = [
  ['PATCH', '/v1/tenants/:tenant/functions/:name/configuration'],
  ['PUT', '/v1/tenants/:tenant/functions/:name/live'],
] as const;

const TENANT_IN_PATH = /^\/v1\/tenants\/([^/]*)/;

function authenticated({ authenticate }: ControlPlanePorts) {
  return createMiddleware(async (c, next) => {
    const principal = await authenticate(c.req.header('authorization'));
    if (!principal) throw new MayflyError('unauthenticated', 'The request carries no valid API key.');
    const tenant = TENANT_IN_PATH.exec(c.req.path)?.[1];
    // Hono has decoded the path once; a segment that would decode further is no valid name, and is no tenant's.
    if (tenant !== undefined && !mayAccess(principal, tenant)) {
      throw new MayflyError('forbidden', 'The key belongs to another tenant.');
    }
    await next();
  });
}

function admitting({ draining }: ControlPlanePorts) {
  return createMiddleware(async (c, next) => {
    if (!SAFE_METHODS.has(c.req.method)) refuseWhenDraining(draining);
    await next();
  });
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
