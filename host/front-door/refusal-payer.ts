import type { IncomingMessage } from 'node:http';
import { MayflyError } from '../errors/errors.ts';
import type { TenantName } from '../model/ids.ts';

/**
 * Who is told at a pace, not as fast as it asks: a tenant that is over its quota or its budget, and an address that asks for
 * functions that are not there, each of which is a question to the main thread. No tenant's name has a space.
 */
export function payerOf(error: unknown, tenant: TenantName, { socket }: IncomingMessage): string | undefined {
  if (!(error instanceof MayflyError)) return undefined;
  if (error.quota !== undefined || error.code === 'budget_exhausted') return tenant;
  return error.code === 'function_not_found' ? `from ${socket.remoteAddress}` : undefined;
}
