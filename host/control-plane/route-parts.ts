/** What the descriptions of routes have in common: error responses from the table, hooks for failed validation. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { ERROR_TABLE, type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { Actor } from '../model/actor.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { Principal } from './authentication.ts';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';
import type { FunctionReference } from './references.ts';
import { problemSchema } from './schemas.ts';
import { invalidRequest } from './validation.ts';

export interface ControlPlaneEnv {
  Bindings: ControlPlaneBindings;
  /** Set below /v1. */
  Variables: {
    /** Who asks, the former for the audit log. */
    actor: Actor;
    principal: Principal;
    /** For routes that read a body themselves, once it is here. Rejects with `unauthenticated` if the key opens nothing any more. */
    requireKey: () => Promise<void>;
  };
}

/** Served by @hono/node-server: an invocation needs the wire's own request and response. */
export type ControlPlaneApp = OpenAPIHono<ControlPlaneEnv>;

export interface ControlPlaneBindings {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What any route below /v1 can answer. */
export const COMMON_CODES: readonly ErrorCode[] = [
  'unauthenticated',
  'forbidden',
  'invalid_request',
  'internal_error',
  'disk_full',
];

/** Every route of a tenant can miss the tenant; every route of a function can miss that, too. */
export const TENANT_CODES: readonly ErrorCode[] = [...COMMON_CODES, 'tenant_not_found'];
export const FUNCTION_CODES: readonly ErrorCode[] = [...TENANT_CODES, 'function_not_found'];
export const QUEUE_CODES: readonly ErrorCode[] = [...TENANT_CODES, 'queue_not_found'];
export const MAPPING_CODES: readonly ErrorCode[] = [...TENANT_CODES, 'mapping_not_found'];

/**
 * Error responses of a route, one per status, each naming its codes. They are thrown, never returned by a
 * handler, so they stay out of the handler's type.
 */
export function problems(...codes: readonly ErrorCode[]): Record<never, never> {
  const byStatus = Map.groupBy(codes, (code) => ERROR_TABLE[code].status);
  const responses = [...byStatus].map(([status, some]) => [
    status,
    {
      description: some.map((code) => `\`${code}\`: ${ERROR_TABLE[code].title}.`).join(' '),
      content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema } },
    },
  ]);
  return Object.fromEntries(responses);
}

/** A response with a JSON body. */
export function json<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { 'application/json': { schema } } };
}

type Outcome =
  | { readonly success: true; readonly target: string }
  | { readonly success: false; readonly target: string; readonly error: z.ZodError };

/** Throws `invalid_request` for input that fails its schema, naming the nearest key of the object for a typo. */
export function refuseInvalid(
  schemas: Readonly<Record<string, z.ZodObject>> = {},
): (outcome: Outcome) => undefined {
  return (outcome) => {
    if (outcome.success) return undefined;
    throw invalidRequest(outcome.error, Object.keys(schemas[outcome.target]?.shape ?? {}));
  };
}

// The schema of the path has checked both against NAME_PATTERN: this is where they become names.

export function asReference({
  tenant,
  name,
}: {
  readonly tenant: string;
  readonly name: string;
}): FunctionReference {
  return { tenant: tenant as TenantName, name: name as FunctionName };
}

export function originOf(context: Context): string {
  return new URL(context.req.url).origin;
}

/** @throws MayflyError draining */
export function refuseWhenDraining(draining: AbortSignal): void {
  if (draining.aborted) throw new MayflyError('draining', 'The host is shutting down.');
}
