/** Who changed something: the operator's key, a tenant's key by its id, or the host on its own account. */
export type Actor =
  | { readonly kind: 'operator'; readonly address?: string }
  | { readonly kind: 'key'; readonly keyId: string; readonly address?: string }
  | { readonly kind: 'host' };

/** For changes that nobody asked for from outside. */
export const THE_HOST: Actor = { kind: 'host' };
