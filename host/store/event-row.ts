/** Rows of what is defined for events, and what their tables have in common. */
import type { TenantName } from '../model/ids.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Told of whatever was created, configured or removed, after it is durable and before the method returns. */
export type DefinitionListener<Name> = (tenant: TenantName, name: Name) => void;

/** What the audit log keeps of a change of settings: those that were named, before and after. */
export function namedSides(
  settings: object,
  patch: object,
): { readonly before: object; readonly after: object } {
  const named = Object.entries(settings).filter(([name]) => Object.hasOwn(patch, name));
  return { before: Object.fromEntries(named), after: patch };
}

export function timesOf(row: Row): { readonly createdAtMs: number; readonly updatedAtMs: number } {
  return { createdAtMs: row['created_at_ms'] as number, updatedAtMs: row['updated_at_ms'] as number };
}
