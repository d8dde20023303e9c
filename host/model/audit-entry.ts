import type { Actor } from './actor.ts';
import type { TenantName } from './ids.ts';

/** Every kind of change there is: noun and verb. Part of the interface. */
export const AUDIT_ACTIONS = [
  'tenant.create',
  'tenant.configure',
  'tenant.delete',
  'tenant.quotas',
  'function.quarantine',
  'function.release',
  'function.publish',
  'function.remeter',
  'function.live',
  'function.configure',
  'function.delete',
  'key.create',
  'key.rotate',
  'key.revoke',
  'secret.set',
  'secret.delete',
  'prices.set',
  'budget.set',
  'budget.delete',
  'queue.create',
  'queue.configure',
  'queue.delete',
  'queue.purge',
  'queue.redrive',
  'signing-secret.create',
  'signing-secret.delete',
  'mapping.create',
  'mapping.configure',
  'mapping.delete',
  'schedule.create',
  'schedule.configure',
  'schedule.delete',
  'function.events',
  'backup.create',
  'backup.delete',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** A change as whoever makes it tells of it. What `before` and `after` hold is small, and never a secret. */
export interface AuditedChange {
  /** Null for what belongs to the host as a whole. */
  readonly tenant: TenantName | null;
  readonly actor: Actor;
  readonly action: AuditAction;
  /** What was changed: the name of a function, the id of a key. */
  readonly target: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** A change that was made. */
export interface AuditEntry extends AuditedChange {
  /** Grows from entry to entry, over all tenants. */
  readonly id: number;
  readonly atMs: number;
}
