/** Who calls the control plane: bearer keys (RFC 6750 section 2.1), compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { TenantName } from '../model/ids.ts';

/** The operator may do everything; a tenant's key reaches that tenant only. */
export type Principal = { readonly kind: 'admin' } | { readonly kind: 'tenant'; readonly tenant: TenantName };

/** Given the value of the `Authorization` header; undefined when it names nobody. */
export type Authenticate = (
  authorization: string | undefined,
) => Principal | undefined | Promise<Principal | undefined>;

const BEARER = /^Bearer +([\x21-\x7e]{1,1024}) *$/i;

/** Recognises the admin key alone. */
export function authenticateAdmin(adminKey: string): Authenticate {
  const expected = sha256(adminKey);
  return (authorization) => {
    const key = BEARER.exec(authorization ?? '')?.[1];
    // Hashes have one length whatever was sent, and how many bytes of them agree tells nothing about the key.
    return key !== undefined && timingSafeEqual(sha256(key), expected) ? { kind: 'admin' } : undefined;
  };
}

/** Whether `principal` may touch what belongs to `tenant`. */
export function mayAccess(principal: Principal, tenant: string): boolean {
  return principal.kind === 'admin' || principal.tenant === tenant;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
