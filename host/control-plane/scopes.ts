/** What a route needs of the key that calls it, and how its description says so. */
import { KEY_SCOPES, type KeyScope } from '../model/api-key.ts';

/** A scope of a tenant's key, the operator's key and no other, or any key at all. */
export type Need = KeyScope | 'operator' | 'any';

export const SECURITY_SCHEME = 'apiKey';

const NEEDS: readonly string[] = [...KEY_SCOPES, 'operator', 'any'];

export function isNeed(text: string | undefined): text is Need {
  return text !== undefined && NEEDS.includes(text);
}

/**
 * For the `security` of a route. OpenAPI 3.1 lets a requirement list roles that are not otherwise defined, which is
 * what a scope of ours and `any` are; the route table reads it back.
 */
export function needs(need: Need): { [SECURITY_SCHEME]: [Need] }[] {
  return [{ [SECURITY_SCHEME]: [need] }];
}
