/** What requests to the backend are about, and who makes them. */
import type { Actor } from '../model/actor.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';

export interface FunctionReference {
  readonly tenant: TenantName;
  readonly name: FunctionName;
}

export interface TenantReference {
  readonly tenant: TenantName;
}

/** Whoever asks for a change is named in its audit entry. */
export interface Change {
  readonly actor: Actor;
}
