/** Who calls the control plane: bearer keys (RFC 6750 section 2.1), and what each may do. */
import type { Actor } from '../model/actor.ts';
import { allows, type KeyScope } from '../model/api-key.ts';
import type { TenantName } from '../model/ids.ts';
import type { Need } from './scopes.ts';

/** The operator may do everything; a tenant's key reaches that tenant only, and there what its scopes allow. */
export type Principal =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'key';
      readonly keyId: string;
      readonly tenant: TenantName;
      readonly scopes: readonly KeyScope[];
    };

/** Given the value of the `Authorization` header; undefined when it names nobody. */
export type Authenticate = (
  authorization: string | undefined,
) => Principal | undefined | Promise<Principal | undefined>;

const BEARER = /^Bearer +([\x21-\x7e]{1,1024}) *$/i;

/** The key in an `Authorization` header. */
export function bearerKey(authorization: string | undefined): string | undefined {
  return BEARER.exec(authorization ?? '')?.[1];
}

/**
 * Why `principal` may not do what needs `need` at `tenant`; undefined when it may. What it says of another tenant
 * depends on the name in the path alone: whether there is such a tenant is nobody else's business.
 */
export function refusalOf(principal: Principal, need: Need, tenant: string | undefined): string | undefined {
  if (principal.kind === 'operator' || need === 'any') return undefined;
  if (need === 'operator') return "This takes the operator's key.";
  if (principal.tenant !== tenant) return 'The key belongs to another tenant.';
  return allows(principal.scopes, need) ? undefined : `The key lacks the scope \`${need}\`.`;
}

export function actorOf(principal: Principal, address: string | undefined): Actor {
  const from = address === undefined ? {} : { address };
  return principal.kind === 'operator'
    ? { kind: 'operator', ...from }
    : { kind: 'key', keyId: principal.keyId, ...from };
}
