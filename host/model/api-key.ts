import type { TenantName } from './ids.ts';

/**
 * What a key allows within its tenant. They stand beside one another, and `admin` includes the others: `deploy`
 * changes functions, `invoke` calls them, `read` looks at them and their logs, `admin` manages keys.
 */
export const KEY_SCOPES = ['deploy', 'invoke', 'read', 'admin'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

/** A key as everybody may see it who may see keys: its secret is shown once and kept as a hash only. */
export interface ApiKey {
  /** 20 hex digits; also part of the key's text, so that whoever finds one knows which to revoke. */
  readonly id: string;
  readonly tenant: TenantName;
  /** Unique within its tenant. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly rotatedAtMs?: number;
  /** Until when the secret before the last rotation is valid. */
  readonly previousUntilMs?: number;
  /** To within some minutes. */
  readonly lastUsedAtMs?: number;
}

/** What a thread needs to recognise a key. */
export interface KeyVerifier {
  readonly id: string;
  readonly tenant: TenantName;
  readonly scopes: readonly KeyScope[];
  /** SHA-256 of the key's text. */
  readonly hash: Uint8Array;
  readonly previousHash?: Uint8Array;
  readonly previousUntilMs?: number;
  readonly expiresAtMs?: number;
}

/** Whether a key with `scopes` may do what needs `scope`. */
export function allows(scopes: readonly KeyScope[], scope: KeyScope): boolean {
  return scopes.includes('admin') || scopes.includes(scope);
}
